/// \file
/// Results as tables of numbers.
#include <examples/toy/store.hpp>

#include <examples/toy/text.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/write_csv.hpp>

#include <system_error>
#include <vector>

namespace examples::toy {

namespace {

namespace fs = std::filesystem;
using Eigen::MatrixXd;

/// Every number of a judgement with its name, in one place for both ways.
template <class J, class Work>
void for_each_number(J& judgement, Work&& work) {
  work("nll", judgement.nll.value);
  work("nll_error", judgement.nll.standard_error);
  work("kl", judgement.kl.value);
  work("kl_error", judgement.kl.standard_error);
  work("mmd", judgement.mmd);
  work("training_evaluations", judgement.training_evaluations);
  work("testing_evaluations", judgement.testing_evaluations);
  work("straightness", judgement.straightness);
  work("inverse_error", judgement.inverse_error);
  work("transport_cost", judgement.transport_cost);
  work("seconds", judgement.seconds);
}

/// A column per time: the time, then x and y of each path.
[[nodiscard]] MatrixXd packed(const Shown& shown) {
  MatrixXd result(1 + shown.paths.front().size(), Index(shown.times.size()));
  for (Index k = 0; k < result.cols(); ++k)
    result.col(k) << shown.times[std::size_t(k)], shown.paths[std::size_t(k)].reshaped();
  return result;
}
void unpack(const MatrixXd& packed, Shown& shown) {
  for (Index k = 0; k < packed.cols(); ++k) {
    shown.times.push_back(packed(0, k));
    shown.paths.emplace_back(packed.col(k).tail(packed.rows() - 1).reshaped(2, (packed.rows() - 1) / 2));
  }
}

}  // namespace

std::string name_of(const Run& run) {
  return set_of(run) + "-" + run.preset + "-seed" + std::to_string(run.seed) + "-" +
         std::to_string(run.schedule.iterations) + "x" + std::to_string(run.schedule.batch);
}

void store(const fs::path& folder, const Result& result) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw pathline::FileError("cannot make the folder " + folder.string() + " (" + problem.message() +
                              "); choose another with --out");
  pathline::io::write_csv(folder / "data.csv", {"x", "y"}, result.shown.data);
  pathline::io::write_csv(folder / "samples.csv", {"x", "y"}, result.shown.samples);
  pathline::io::write_csv(folder / "density.csv", {}, result.shown.density);
  pathline::io::write_csv(folder / "paths.csv", {}, packed(result.shown));
  std::vector<std::string> names;
  std::vector<double> numbers;
  for_each_number(result.judgement, [&](const char* name, double number) {
    names.emplace_back(name);
    numbers.push_back(number);
  });
  pathline::io::write_csv(folder / "judgement.csv", names,
                          Eigen::Map<const Eigen::VectorXd>(numbers.data(), Index(numbers.size())));
}

std::optional<Result> stored(const fs::path& folder) {
  if (!fs::exists(folder / "judgement.csv")) return std::nullopt;
  Result result;
  for_each_number(result.judgement, [&](const char* name, double& number) {
    number = pathline::io::read_csv<double>(folder / "judgement.csv", {.columns = {name}})(0, 0);
  });
  const pathline::io::CsvOptions no_names{.header = pathline::io::CsvHeader::absent};
  result.shown.data = pathline::io::read_csv<double>(folder / "data.csv");
  result.shown.samples = pathline::io::read_csv<double>(folder / "samples.csv");
  result.shown.density = pathline::io::read_csv<double>(folder / "density.csv", no_names);
  unpack(pathline::io::read_csv<double>(folder / "paths.csv", no_names), result.shown);
  return result;
}

}  // namespace examples::toy
