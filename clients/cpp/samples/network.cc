#include "network.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace {

constexpr std::size_t kPixels = 64;
constexpr std::size_t kClasses = 10;
constexpr std::size_t kBatch = 32;
constexpr float kMomentum = 0.9F;

}  // namespace

Digits read_digits(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Digits digits;
  for (std::string line; std::getline(file, line);) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream numbers(line);
    std::vector<float> image(kPixels);
    for (float& pixel : image) {
      numbers >> pixel;
      pixel /= 16;
    }
    int label = -1;
    if (!(numbers >> label)) throw std::runtime_error("not 64 pixels and a label: " + line);
    digits.images.push_back(std::move(image));
    digits.labels.push_back(label);
  }
  return digits;
}

Network::Network(double learning_rate, std::size_t hidden, std::uint32_t seed)
    : learning_rate_(static_cast<float>(learning_rate)),
      hidden_(hidden),
      random_(seed),
      weights_(hidden * (kPixels + 1) + kClasses * (hidden + 1)),
      velocity_(weights_.size()) {
  const std::size_t first = hidden * (kPixels + 1);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const auto fan_in = static_cast<float>(i < first ? kPixels : hidden);
    weights_[i] = std::normal_distribution<float>(0, std::sqrt(2 / fan_in))(random_);
  }
}

std::vector<float> Network::activate(const std::vector<float>& image) const {
  std::vector<float> hidden(hidden_);
  for (std::size_t h = 0; h < hidden_; ++h) {
    const float* row = &weights_[h * (kPixels + 1)];
    hidden[h] = std::max(0.0F, std::inner_product(image.begin(), image.end(), row, row[kPixels]));
  }
  return hidden;
}

std::vector<float> Network::predict(const std::vector<float>& hidden) const {
  std::vector<float> chances(kClasses);
  for (std::size_t c = 0; c < kClasses; ++c) {
    const float* row = &weights_[hidden_ * (kPixels + 1) + c * (hidden_ + 1)];
    chances[c] = std::inner_product(hidden.begin(), hidden.end(), row, row[hidden_]);
  }
  const float top = *std::max_element(chances.begin(), chances.end());
  for (float& chance : chances) chance = std::exp(chance - top);
  const float sum = std::accumulate(chances.begin(), chances.end(), 0.0F);
  for (float& chance : chances) chance /= sum;
  return chances;
}

void Network::train_epoch(const Digits& digits) {
  std::vector<std::size_t> order(digits.images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random_);
  const std::size_t first = hidden_ * (kPixels + 1);
  for (std::size_t begin = 0; begin < order.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, order.size());
    std::vector<float> gradient(weights_.size());
    for (std::size_t i = begin; i < end; ++i) {
      const std::vector<float>& image = digits.images[order[i]];
      const std::vector<float> hidden = activate(image);
      std::vector<float> error = predict(hidden);
      error[static_cast<std::size_t>(digits.labels[order[i]])] -= 1;
      std::vector<float> back(hidden_);
      for (std::size_t c = 0; c < kClasses; ++c) {
        const std::size_t row = first + c * (hidden_ + 1);
        for (std::size_t h = 0; h < hidden_; ++h) {
          gradient[row + h] += error[c] * hidden[h];
          back[h] += error[c] * weights_[row + h];
        }
        gradient[row + hidden_] += error[c];
      }
      for (std::size_t h = 0; h < hidden_; ++h) {
        if (hidden[h] <= 0) continue;
        const std::size_t row = h * (kPixels + 1);
        for (std::size_t p = 0; p < kPixels; ++p) gradient[row + p] += back[h] * image[p];
        gradient[row + kPixels] += back[h];
      }
    }
    const float scale = learning_rate_ / static_cast<float>(end - begin);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      velocity_[i] = kMomentum * velocity_[i] - scale * gradient[i];
      weights_[i] += velocity_[i];
    }
  }
}

double Network::loss(const Digits& digits) const {
  double sum = 0;
  for (std::size_t i = 0; i < digits.images.size(); ++i) {
    const auto chances = predict(activate(digits.images[i]));
    sum -= std::log(chances[static_cast<std::size_t>(digits.labels[i])] + 1e-15);
  }
  return sum / static_cast<double>(digits.images.size());
}

void Network::save(const std::string& path) const {
  const std::string partial = path + ".partial";
  std::ofstream file(partial);
  file.precision(9);  // enough for any float
  file << random_ << '\n';
  for (const auto* values : {&weights_, &velocity_}) {
    for (const float value : *values) file << value << ' ';
  }
  file.close();
  if (!file) throw std::runtime_error("cannot write " + partial);
  std::filesystem::rename(partial, path);
}

void Network::load(const std::string& path) {
  std::ifstream file(path);
  file >> random_;
  for (auto* values : {&weights_, &velocity_}) {
    for (float& value : *values) file >> value;
  }
  if (std::string rest; !file || file >> rest) {
    throw std::runtime_error(path + " is not a checkpoint of this network");
  }
}
