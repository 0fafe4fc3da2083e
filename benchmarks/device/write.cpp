// write FOLDER: headers of 2-16-16-2 and 2-64-64-2 networks with 4 steps of Rk4, in float and double.
#include <pathline/flow/cnf.hpp>
#include <pathline/io/write_header.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <filesystem>
#include <string>

namespace {

template <class Scalar>
void write(const std::filesystem::path& folder, pathline::Index width) {
  pathline::Rng rng(1);
  const pathline::Cnf flow(pathline::Mlp<Scalar, pathline::Tanh>(2, {width, width}, rng));
  pathline::StepCalibration steps;
  steps.method = pathline::chosen_method<pathline::Rk4>("Rk4");
  steps.steps = 4;
  const std::string name = std::string(pathline::io::detail::scalar_name<Scalar>) + "_" + std::to_string(width);
  pathline::io::write_header(folder / (name + ".hpp"), flow, steps, {.name = "flow_" + name});
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
  for (const pathline::Index width : {16, 64}) {
    write<float>(folder, width);
    write<double>(folder, width);
  }
}
