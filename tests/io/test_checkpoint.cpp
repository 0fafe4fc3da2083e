// Runs kept in files. Where a run is interrupted and what a run is asked otherwise: tests/train/checkpoint; kills:
// tests/kill.
#include <pathline/io/checkpoint.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/train/exponential_moving_average.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/optimizer/muon.hpp>
#include <pathline/train/print_progress.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace pathline;
using test::NoisyMean;
namespace fs = std::filesystem;

// A folder that goes with the test.
struct Folder {
  fs::path path;
  Folder() : path(fs::temp_directory_path() / ("pathline-checkpoint-" + std::to_string(std::random_device{}()))) {
    fs::create_directory(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

struct Interrupted {};

/// Remembers a value of each kind, and changes all of them by every epoch.
struct Remembers {
  Index until = 0;
  bool odd = false;
  int count = 0;
  float mean = 0;
  std::vector<double> losses{};
  Eigen::RowVectorXf row = Eigen::RowVectorXf::Zero(3);
  Eigen::Matrix<double, 2, 3> matrix = Eigen::Matrix<double, 2, 3>::Zero();
  Rng rng{1};
  std::function<void(Index)> after{};  // not remembered

  void operator()(const EpochReport& epoch) {
    if (after) after(epoch.epoch);
    if (epoch.epoch == until) throw Interrupted{};
    odd = !odd;
    ++count;
    mean += 0.1F * (float(epoch.train_loss) - mean);
    losses.push_back(epoch.train_loss);
    row(epoch.epoch % 3) += mean;
    matrix(1, epoch.epoch % 3) += epoch.train_loss;
    (void)rng.draw();
  }
  template <class Visit>
  void state(Visit& visit) {
    visit("odd", odd), visit("count", count), visit("mean", mean), visit("losses", losses);
    visit("row", row), visit("matrix", matrix), visit("rng", rng);
  }
};

Batch<double> samples(Index n) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  return X;
}

FitReport train(NoisyMean& model, Rng& rng, Remembers& callback, const fs::path& path, std::ostream& out) {
  return fit(model, samples(30), {.epochs = 6, .batch = 7}, rng, callback,
             io::Checkpoint{.path = path, .every = 2, .out = &out},
             PrintProgress{.out = &out, .options = ProgressOptions{.seconds_between_lines = 0}});
}

}  // namespace

TEST_CASE("A run goes on from its file, and says so", "[io][checkpoint]") {
  const Folder folder;
  std::ostringstream out, log;
  NoisyMean whole, stopped, parted;
  Rng rng(7), same_seed(7), third(7);
  Remembers remembered, until_sixth{.until = 6}, resumed;
  const FitReport expected = train(whole, rng, remembered, folder.path / "whole", out);
  CHECK_THROWS_AS(train(stopped, same_seed, until_sixth, folder.path / "run", log), Interrupted);
  write(folder.path / "run.partial-12345", "of a killed run");
  write(folder.path / "run.partial-12345.txt", "not of one");
  log.str("");
  const FitReport report = train(parted, third, resumed, folder.path / "run", log);
  CHECK_THAT(log.str(), Catch::Matchers::StartsWith("training  resumed after epoch 4 of 6\ntraining  5/6  loss "));
  CHECK(parted.theta == whole.theta);
  CHECK(third == rng);
  CHECK(report.best_criterion == expected.best_criterion);
  REQUIRE(report.epochs.size() == expected.epochs.size());
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(report.epochs[i].train_loss == expected.epochs[i].train_loss);
    CHECK(report.epochs[i].validation_loss == expected.epochs[i].validation_loss);
    CHECK(report.epochs[i].forward == expected.epochs[i].forward);
    CHECK(report.epochs[i].best == expected.epochs[i].best);
  }
  CHECK(resumed.odd == remembered.odd);
  CHECK(resumed.count == 6);
  CHECK(resumed.mean == remembered.mean);
  CHECK(resumed.losses == remembered.losses);
  CHECK(resumed.row == remembered.row);
  CHECK(resumed.matrix == remembered.matrix);
  CHECK(resumed.rng == remembered.rng);
  CHECK(!fs::exists(folder.path / "run.partial-12345"));
  CHECK(fs::exists(folder.path / "run.partial-12345.txt"));
  write(folder.path / "run.partial-6", "of a killed run that was given a link");
  fs::create_symlink("run", folder.path / "link");
  CHECK(io::Checkpoint{.path = folder.path / "link"}.read());
  CHECK(!fs::exists(folder.path / "run.partial-6"));

  // The finished run, from a file that is only read.
  const std::string finished = text_of(folder.path / "run");
  NoisyMean again;
  Rng fourth(7);
  Remembers callback{.until = 1};
  CHECK(train(again, fourth, callback, folder.path / "run", log).epochs.size() == 6);
  CHECK(again.theta == whole.theta);
  CHECK(fourth == rng);
  CHECK(text_of(folder.path / "run") == finished);
}

TEST_CASE("A run goes on where its file cannot be written, and says so", "[io][checkpoint][errors]") {
  const Folder folder;
  std::ostringstream log;
  NoisyMean whole;
  Rng rng(7);
  Remembers remembered;
  train(whole, rng, remembered, folder.path / "whole", log);
  const Index back = GENERATE(0, 5, 6);  // the epoch after which the folder is there again
  const fs::path place = folder.path / "place";
  fs::create_directory(place);
  NoisyMean model;
  Rng same_seed(7);
  Remembers moves{.after = [&](Index epoch) {
    if (epoch == 3) fs::rename(place, folder.path / "gone");
    if (epoch == back) fs::rename(folder.path / "gone", place);
  }};
  log.str("");
  const FitReport report = train(model, same_seed, moves, place / "run", log);
  CHECK(model.theta == whole.theta);
  CHECK(same_seed == rng);
  const std::string failure =
      "the checkpoint " + (place / "run").string() + " keeps the run up to epoch 2, and not to epoch ";
  CHECK(log.str().find("fit: " + failure + "4, after which it could not be written (") != std::string::npos);
  CHECK(log.str().find(failure) == log.str().rfind(failure));  // once
  std::vector<std::string> warnings;
  for (const std::string& warning : report.warnings)
    if (warning.find(failure) == 0) warnings.push_back(warning.substr(failure.size(), 2));
  CHECK(warnings == (back == 0 ? std::vector<std::string>{"6,"} : std::vector<std::string>{}));
  if (back == 0) fs::rename(folder.path / "gone", place);
  CHECK(io::read_safetensors(place / "run").find("epochs") != nullptr);
  Index kept = 0;
  io::Checkpoint{.path = place / "run"}.read()->visit("epochs", kept);
  CHECK(kept == (back == 0 ? 2 : 6));
}

TEST_CASE("A neural ODE on sequences goes on from its file", "[io][checkpoint][sequences]") {
  const Folder folder;
  std::vector<Sequence<float>> paths;
  for (int j = 0; j < 8; ++j)
    paths.push_back({.times = {0, 0.5, 1.25}, .states = Batch<float>{{1, 0.1F * float(j), 2}, {0, 1, float(j)}}});
  const auto ode = [](FixedSteps steps = FixedSteps(4)) {
    return NeuralOde(Network<Linear<float>>(Linear<float>(2, 2, 0), Vector<float>::Zero(6)), Euler{}, steps);
  };
  const auto run = [&](auto& model, Rng& rng, const char* name, Index until) {
    const auto stop = [until](const EpochReport& epoch) {
      if (epoch.epoch == until) throw Interrupted{};
    };
    return fit(model, paths, {.epochs = 5, .batch = 3}, rng, io::Checkpoint{.path = folder.path / name}, stop);
  };
  auto whole = ode(), parted = ode(), other = ode();
  Rng rng(5), same_seed(5), third(5);
  const FitReport expected = run(whole, rng, "whole", 0);
  CHECK_THROWS_AS(run(parted, same_seed, "run", 3), Interrupted);
  parted = ode();
  paths[3].states(1, 2) += 1e-3F;
  const Rng before = third;
  CHECK_THROWS_WITH(run(other, third, "run", 0),
                    ContainsSubstring("keeps another run: model: sequences, fingerprint is "));
  CHECK(third == before);
  paths[3].states(1, 2) -= 1e-3F;
  auto finer = ode(FixedSteps(5));
  CHECK_THROWS_WITH(run(finer, third, "run", 0),
                    ContainsSubstring("another run: model: step_control.steps_per_interval is 5 in place of 4. Start"));
  const FitReport report = run(parted, third, "run", 0);
  CHECK(parted.parameters() == whole.parameters());
  CHECK(report.best_criterion == expected.best_criterion);
  CHECK(third == rng);

  // By Muon, whose settings name its matrices.
  const auto by_muon = [&](auto& model, ExponentialMovingAverage<float>& average, const char* name, Index until,
                           Index columns) {
    const auto stop = [until](const EpochReport& epoch) {
      if (epoch.epoch == until) throw Interrupted{};
    };
    Rng order(5);
    fit(model, paths, {.epochs = 5, .batch = 3}, order, Muon{.matrices = {{0, 2, columns}}}, average,
        io::Checkpoint{.path = folder.path / name}, stop);
  };
  ExponentialMovingAverage<float> average{.decay = 0.8}, average_of_parts{.decay = 0.8};
  auto whole_by_muon = ode(), parted_by_muon = ode();
  by_muon(whole_by_muon, average, "whole by Muon", 0, 2);
  ExponentialMovingAverage<float> lost = average_of_parts;
  CHECK_THROWS_AS(by_muon(parted_by_muon, lost, "by Muon", 3, 2), Interrupted);
  parted_by_muon = ode();
  CHECK_THROWS_WITH(by_muon(parted_by_muon, average_of_parts, "by Muon", 0, 1),
                    ContainsSubstring("matrices is 2 x 1 at 0 in place of 2 x 2 at 0"));
  by_muon(parted_by_muon, average_of_parts, "by Muon", 0, 2);
  CHECK(parted_by_muon.parameters() == whole_by_muon.parameters());
  CHECK(average_of_parts.average == average.average);
  CHECK(whole_by_muon.parameters() != whole.parameters());
}

TEST_CASE("A file that is no checkpoint is refused, and nothing is changed", "[io][checkpoint][errors]") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  const auto refused = [&](const fs::path& file) {
    NoisyMean model;
    Rng rng(7);
    Remembers callback;
    std::ostringstream out;
    const std::string before = text_of(path);
    std::string message;
    try {
      train(model, rng, callback, file, out);
    } catch (const FileError& error) {
      message = error.what();
    }
    CHECK(!message.empty());
    CHECK(model.theta == NoisyMean{}.theta);
    CHECK(rng == Rng(7));
    CHECK(callback.count == 0);
    CHECK(text_of(path) == before);
    return message;
  };
  CHECK_THAT(refused(folder.path / "missing" / "run"), ContainsSubstring("cannot write"));
  CHECK_THAT(refused(folder.path), ContainsSubstring(folder.path.string()));

  NoisyMean model;
  Rng rng(7);
  Remembers until_sixth{.until = 6};
  std::ostringstream out;
  CHECK_THROWS_AS(train(model, rng, until_sixth, path, out), Interrupted);
  const std::string good = text_of(path);
  for (std::size_t length = 0; length < good.size(); length += 97) {
    write(path, good.substr(0, length));
    refused(path);
  }
  const auto spoiled = [&](const auto& spoil) {
    write(path, good);
    io::TensorFile file = io::read_safetensors(path);
    spoil(file);
    io::write_safetensors(path, file);
    return refused(path);
  };
  CHECK(spoiled([](io::TensorFile& file) { file.metadata.clear(); }) ==
        "fit: the checkpoint " + path.string() + " is another file of tensors, expected a checkpoint of fit");
  CHECK_THAT(spoiled([](io::TensorFile& file) { file.metadata["checkpoint"] = "2"; }),
             ContainsSubstring(" has form 2, expected 1: it was written by pathline "));
  const auto tensor = [](io::TensorFile& file, const std::string& name) -> io::Tensor& {
    return const_cast<io::Tensor&>(*file.find(name));
  };
  CHECK_THAT(spoiled([&](io::TensorFile& file) { tensor(file, "rng").name = "other"; }),
             ContainsSubstring(" has no tensor \"rng\"; delete it to begin anew"));
  CHECK_THAT(spoiled([&](io::TensorFile& file) {
               tensor(file, "parameters") = io::tensor_of("parameters", Batch<double>(Batch<double>::Zero(2, 2)));
             }),
             ContainsSubstring("tensor \"parameters\" has shape [2, 2], expected [any]; delete the file"));
  CHECK_THAT(spoiled([&](io::TensorFile& file) { tensor(file, "epochs") = io::tensor_of("epochs", 0.5); }),
             ContainsSubstring("tensor \"epochs\""));
  CHECK_THAT(spoiled([&](io::TensorFile& file) {
               tensor(file, "callback.0.matrix") =
                   io::tensor_of("callback.0.matrix", Batch<double>(Batch<double>::Zero(2, 2)));
             }),
             ContainsSubstring("expected [2, 3]"));
  CHECK_THAT(spoiled([&](io::TensorFile& file) {
               tensor(file, "report.epochs") = io::tensor_of("report.epochs", Batch<double>(0, 21));
             }),
             ContainsSubstring("there is not one report for each epoch"));
  write(path, good);
  Rng same_seed(7);
  NoisyMean resumed;
  Remembers callback;
  CHECK(train(resumed, same_seed, callback, path, out).epochs.size() == 6);

  CHECK_THROWS_WITH(io::Checkpoint{}.check(), "Checkpoint: path is empty, expected the name of a file");
  CHECK_THROWS_WITH((io::Checkpoint{.path = "a", .every = 0}.check()),
                    "Checkpoint: every is 0, expected at least 1 epoch");
}
