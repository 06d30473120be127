// A worker that trains small networks on real handwritten digits, for
// examples/digits/experiment.yaml:
//
//   asha serve
//   asha create -f examples/digits/experiment.yaml --id digits
//   build/digits --server localhost:50051 --experiment digits
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

#include "asha/client.h"
#include "asha/stop_on_signals.h"
#include "network.h"

namespace {

const std::string kFileScheme = "file://";

// Options as `--name value`.
std::map<std::string, std::string> parse(int count, char** words) {
  std::map<std::string, std::string> options{{"--server", ""},
                                             {"--experiment", "digits"},
                                             {"--data", DIGITS_CSV},
                                             {"--checkpoints", "checkpoints"}};
  for (int i = 1; i < count; i += 2) {
    if (options.count(words[i]) == 0 || i + 1 == count) {
      throw std::invalid_argument(
          "usage: digits [--server ADDRESS] [--experiment ID] [--data FILE] [--checkpoints DIR]");
    }
    options[words[i]] = words[i + 1];
  }
  return options;
}

// Every fifth image is for validation.
void split(const Digits& all, Digits& training, Digits& validation) {
  for (std::size_t i = 0; i < all.images.size(); ++i) {
    Digits& part = i % 5 == 0 ? validation : training;
    part.images.push_back(all.images[i]);
    part.labels.push_back(all.labels[i]);
  }
}

void work(std::map<std::string, std::string> options, std::stop_token stop) {
  Digits training;
  Digits validation;
  split(read_digits(options["--data"]), training, validation);
  const auto directory = std::filesystem::absolute(options["--checkpoints"]);
  std::filesystem::create_directories(directory);

  const auto experiment = asha::connect(options["--server"]).experiment(options["--experiment"]);
  const auto count = experiment.run(
      [&](asha::Trial& trial) {
        Network network(trial.get<double>("lr"),
                        static_cast<std::size_t>(trial.get<std::int64_t>("hidden")), trial.seed());
        if (!trial.checkpoint().empty()) {
          try {
            network.load(trial.checkpoint().substr(kFileScheme.size()));
          } catch (const std::exception& error) {
            throw asha::CheckpointUnreadable(error.what());
          }
        }
        for (const std::int64_t epoch : trial.steps()) {
          network.train_epoch(training);
          const double loss = network.loss(validation);
          const auto decision = trial.report(epoch, {{"val_loss", loss}}, [&] {
            const auto path = directory / (std::to_string(trial.number()) + "-" +
                                           std::to_string(trial.attempt()) + "-" +
                                           std::to_string(epoch) + ".txt");
            network.save(path);
            return kFileScheme + path.string();
          });
          std::cout << "trial " << trial.number() << " epoch " << epoch << ": " << loss << ' '
                    << decision.reason << std::endl;
        }
      },
      {.stop = std::move(stop)});
  std::cout << count << " assignments trained" << std::endl;
}

}  // namespace

int main(int count, char** words) {
  const asha::StopOnSignals stop;
  try {
    work(parse(count, words), stop.token());
  } catch (const std::exception& error) {
    std::cerr << "digits: " << error.what() << '\n';
    return 1;
  }
}
