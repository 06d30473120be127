// Uses an installed client: its library, its headers and the generated messages.
#include <asha/client.h>
#include <asha/v1/experiment_service.pb.h>

#include <chrono>
#include <iostream>

int main() {
  using namespace std::chrono_literals;
  const auto client = asha::connect("unix:/nowhere", {.give_up_after = 0ms});
  asha::v1::GetExperimentRequest request;
  asha::v1::GetExperimentResponse response;
  try {
    client.call("asha.v1.ExperimentService/GetExperiment", request, response);
  } catch (const asha::Error& error) {
    std::cout << error.what() << '\n';
    return error.code() == "UNAVAILABLE" ? 0 : 1;
  }
  return 1;
}
