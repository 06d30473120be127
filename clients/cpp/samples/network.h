// Handwritten digits, and a small network that learns them.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

// Images of 8 x 8 pixels, 0 to 1, and what they show, 0 to 9.
struct Digits {
  std::vector<std::vector<float>> images;
  std::vector<int> labels;
};

// Reads lines of 64 pixels, 0 to 16, and a label, separated by commas.
// Throws std::runtime_error for a file that cannot be read, or another form.
Digits read_digits(const std::string& path);

// One hidden layer of rectified units, softmax on top; trained by stochastic gradient descent with
// momentum on batches of 32.
class Network {
 public:
  Network(double learning_rate, std::size_t hidden, std::uint32_t seed);

  // One pass over the images, in an order of its own.
  void train_epoch(const Digits& digits);

  // The mean log loss on the images.
  double loss(const Digits& digits) const;

  // Writes the whole state, whole or not at all. Throws std::runtime_error.
  void save(const std::string& path) const;

  // Throws std::runtime_error for a file that cannot be read, or is of another network.
  void load(const std::string& path);

 private:
  std::vector<float> activate(const std::vector<float>& image) const;
  std::vector<float> predict(const std::vector<float>& hidden) const;

  float learning_rate_;
  std::size_t hidden_;
  std::mt19937 random_;
  std::vector<float> weights_;  // hidden x (64 + bias), then 10 x (hidden + bias)
  std::vector<float> velocity_;
};
