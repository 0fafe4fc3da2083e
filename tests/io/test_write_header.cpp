// What the header says and what is refused. That it computes what the library does: tests/device.
#include <pathline/io/write_header.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <system_error>

using namespace pathline;
namespace fs = std::filesystem;

namespace {

struct HeaderFolder {
  fs::path path = fs::temp_directory_path() / ("pathline-header-" + std::to_string(std::random_device{}()));
  HeaderFolder() { fs::create_directory(path); }
  ~HeaderFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  HeaderFolder(const HeaderFolder&) = delete;
  HeaderFolder& operator=(const HeaderFolder&) = delete;
};

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("An exported header says what it is, and is replaced as a whole", "[io][device]") {
  const HeaderFolder folder;
  const fs::path path = folder.path / "flow.hpp";
  Rng rng(4);
  Batch<float> X(2, 40);
  fill<Gaussian>(Draw{1, 0}, 0, X);
  Cnf flow(Mlp<float, Tanh>(2, {5}, rng), Standardize(X));
  const StepCalibration calibration = io::write_header(
      path, flow, X, {.name = "my_flow", .description = "Of two sensors.\nTrained today.", .tolerance = 1e-3});
  const std::string text = text_of(path);
  CHECK_THAT(text, ContainsSubstring("// Of two sensors.\n// Trained today.\n"));
  CHECK_THAT(text, ContainsSubstring("namespace my_flow {"));
  CHECK_THAT(text, ContainsSubstring("using scalar = float;\nusing data_scalar = float;\n"));
  CHECK_THAT(text, ContainsSubstring("inline constexpr int steps = " + std::to_string(calibration.steps) + ";\n"));
  CHECK_THAT(text, ContainsSubstring("inline constexpr Error log_prob_error = {" +
                                     io::format_number(calibration.log_prob.max) + ", "));
  CHECK_THAT(text, ContainsSubstring("inline constexpr long calibration_samples = 40;\n"));
  CHECK(text.find("Eigen") == std::string::npos);
  CHECK(calibration.log_prob.max <= 1e-3);

  // Of steps that were chosen by hand no error is claimed.
  StepCalibration by_hand;
  by_hand.method = chosen_method<Rk4>("Rk4");
  by_hand.steps = 4;
  io::write_header(folder.path / "by_hand.hpp", flow, by_hand);
  const std::string unmeasured = text_of(folder.path / "by_hand.hpp");
  CHECK_THAT(unmeasured, ContainsSubstring("evaluations a call. The errors of the steps were not measured.\n") &&
                             ContainsSubstring("inline constexpr int steps = 4;\n"));
  CHECK(unmeasured.find("log_prob_error") == std::string::npos);

  // What is refused leaves the file as it was.
  CHECK_THROWS_AS(io::write_header(path, flow, X, {.name = "my flow"}), ArgumentError);
  CHECK_THROWS_AS(io::write_header(path, flow, X, {.tolerance = 1e-3, .max_evaluations = 1}), CalibrationError);
  CHECK_THROWS_AS(io::write_header(path, flow, X.transpose()), ShapeError);
  CHECK_THROWS_AS(io::write_header(path, flow, StepCalibration{}), ArgumentError);
  CHECK_THROWS_AS(io::write_header(folder.path / "missing" / "flow.hpp", flow, calibration), FileError);
  flow.parameters()(3) += 1;
  CHECK_THROWS_WITH(io::write_header(path, flow, calibration), ContainsSubstring("calibrate the flow anew"));
  flow.parameters()(3) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(io::write_header(path, flow, calibration), ArgumentError);
  CHECK(text_of(path) == text);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 2);
}
