/// \file
/// A user's program that evaluates the flows that precompiled.cpp has saved, and compiles nothing of what they are made
/// of.
#include <pathline/io/load_any.hpp>

#include "answers.hpp"

#include <iostream>
#include <string>

using namespace pathline;

int main() try {
  try {
    static_cast<void>(io::load_any<float>("by_fixed_steps.safetensors"));
    return 2;
  } catch (const NotPrecompiledError& error) {
    std::cerr << error.what() << '\n';
    if (error.part != "evaluation_solver.solver" || error.type != "Rk4") return 2;
  }
  try {
    static_cast<void>(io::load_any<double>("damaged.safetensors"));
    return 5;
  } catch (const FileError& error) {
    const std::string text = error.what();
    std::cerr << text << '\n';
    if (text.find("time_span.base: the file has nothing") == text.npos || text.find("base.unknown") == text.npos)
      return 5;
  }
  try {
    static_cast<void>(io::load_any<double>("no_time.safetensors"));
    return 6;
  } catch (const FileError& error) {
    if (std::string(error.what()).find("the model: TimeSpan is 0 to 0") == std::string::npos) return 6;
  }
  for (const char* const path : {"flow.safetensors", "potential.safetensors"}) {
    try {
      static_cast<void>(io::load_any<float>(path));
      return 3;
    } catch (const FileError& error) {
      std::cerr << error.what() << '\n';
    }
    print_answers<double>(io::load_any<double>(path));
  }
  print_answers<float>(io::load_any<float>("conditional.safetensors"));

  // The same flow in double, close to that in float.
  const Eigen::MatrixXd X = data_of(3);
  const auto in_float = io::load_any<float>("conditional.safetensors").log_prob(X.cast<float>());
  const auto in_double = io::load_any<double>("conditional.safetensors").log_prob(X);
  const double difference = (in_double - in_float.cast<double>()).cwiseAbs().maxCoeff();
  return difference > 0 && difference < 1e-4 ? 0 : 4;
} catch (const pathline::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
