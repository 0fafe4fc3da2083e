#include <pathline/io/average_notes.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/io/model/model_file.hpp>
#include <pathline/io/model/report_notes.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/exponential_moving_average.hpp>
#include <pathline/train/fit_report.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

auto make_flow(Index width = 5) {
  Rng rng(3);
  return Cnf(Mlp<float, Tanh>(2, {width}, rng), Rk4{}, FixedSteps(2));
}

}  // namespace

TEST_CASE("io: a file keeps the average of the parameters beside the raw ones", "[io][model][average]") {
  auto flow = make_flow();
  const Vector<float> raw = std::as_const(flow).parameters();
  ExponentialMovingAverage<float> average{.decay = 0.9};
  CHECK_THROWS_WITH(io::notes_of(flow, average), ContainsSubstring("train with it first"));
  average.after_step(raw);
  average.after_step(2 * raw);
  const Folder folder;
  const std::filesystem::path file = folder.path / "average.safetensors";
  io::save(file, flow, io::notes_of(flow, average));

  // The flow is read as if there were no average; then the average takes its place, and back.
  auto loaded = io::load<decltype(flow)>(file);
  CHECK(std::as_const(loaded).parameters() == raw);
  ExponentialMovingAverage<float> kept = io::load_average(file, loaded);
  CHECK(kept.average == average.average);
  CHECK(kept.steps == 2);
  CHECK(kept.decay == 0.9);
  kept.swap(loaded);
  CHECK(std::as_const(loaded).parameters() == average.average);
  CHECK(kept.average == raw);
  // By the names that other programs read.
  const io::Notes notes = io::read_notes(file);
  const io::Tensor* const weight = notes.find("average.field.0.weight");
  REQUIRE(weight != nullptr);
  CHECK(weight->shape == std::vector<std::int64_t>{5, 2});

  // Of other models and files.
  CHECK_THROWS_AS(io::load_average(file, make_flow(6)), ModelError);
  ExponentialMovingAverage<float> other;
  other.after_step(Vector<float>::Zero(3));
  CHECK_THROWS_AS(io::notes_of(flow, other), ShapeError);
  io::save(file, flow);
  CHECK_THROWS_WITH(io::load_average(file, flow),
                    ContainsSubstring("field.0.weight: the file has no tensor") && ContainsSubstring("average.steps"));
  io::Notes damaged = io::notes_of(flow, average);
  damaged.texts["average.decay"] = "1";
  io::save(file, flow, damaged);
  CHECK_THROWS_WITH(io::load_average(file, flow),
                    ContainsSubstring("average.decay: the file has \"1\", the program a number of at least 0"));
}

TEST_CASE("io: a file keeps what training reported and the average together", "[io][model][average]") {
  const auto flow = make_flow();
  ExponentialMovingAverage<float> average;
  average.after_step(flow.parameters());
  FitReport report;
  report.best_epoch = 7;
  report.epochs.resize(2);
  const Folder folder;
  const std::filesystem::path file = folder.path / "both.safetensors";
  io::save(file, flow, io::notes_of(report) + io::notes_of(flow, average));
  CHECK(io::load_average(file, flow).average == average.average);
  const io::Notes notes = io::read_notes(file);
  CHECK(notes.text("report.best_epoch") == "7");
  CHECK(notes.find("report.train_loss") != nullptr);
  CHECK(notes.texts.size() == io::notes_of(report).texts.size() + io::notes_of(flow, average).texts.size());

  // A name that both have; nothing is added then.
  io::Notes with_text{.texts = {{"a", "mine"}}, .tensors = {}};
  CHECK_THROWS_AS(with_text += (io::Notes{.texts = {{"a", "yours"}, {"b", "2"}}, .tensors = {}}), ArgumentError);
  CHECK_THROWS_WITH(with_text + with_text, ContainsSubstring("name of a text to add is \"a\""));
  CHECK(with_text.texts == std::map<std::string, std::string>{{"a", "mine"}});
  io::Notes with_tensor{.texts = {}, .tensors = {io::tensor_of("a", std::vector<float>{1})}};
  CHECK_THROWS_WITH(with_tensor += with_tensor, ContainsSubstring("name of a tensor to add is \"a\""));
  CHECK(with_tensor.tensors.size() == 1);
  // A text and a tensor may share a name: a file keeps them apart.
  with_text += with_tensor;
  CHECK(with_text.text("a") == "mine");
  CHECK(with_text.find("a") != nullptr);
}

TEST_CASE("io: an average that the model cannot hold is refused by name", "[io][model][average]") {
  Rng rng(3);
  const Cnf in_double(Mlp<double, Tanh>(2, {5}, rng), Rk4{}, FixedSteps(2));
  ExponentialMovingAverage<double> average;
  average.after_step(Vector<double>::Constant(in_double.parameters().size(), 0.1));
  const Folder folder;
  const std::filesystem::path file = folder.path / "average.safetensors";
  io::save(file, in_double, io::notes_of(in_double, average));
  const auto flow = make_flow();
  CHECK_THROWS_AS(io::load_average(file, flow), ModelError);
  CHECK_THROWS_WITH(io::load_average(file, flow),
                    ContainsSubstring("average.field.0.weight: the file has doubles, the program floats"));
  const auto rounded = io::load_average(file, flow, io::Rounding::allow);
  CHECK(rounded.average == Vector<float>::Constant(flow.parameters().size(), 0.1F));
  // Floats are doubles.
  ExponentialMovingAverage<float> of_flow;
  of_flow.after_step(flow.parameters());
  io::save(file, flow, io::notes_of(flow, of_flow));
  CHECK(io::load_average(file, in_double).average == of_flow.average.cast<double>());

  // A tensor with a row too few.
  io::Notes cut = io::notes_of(flow, of_flow);
  const auto named = [](const io::Tensor& tensor) { return tensor.name == "average.field.0.weight"; };
  const auto found = std::find_if(cut.tensors.begin(), cut.tensors.end(), named);
  REQUIRE(found != cut.tensors.end());
  io::Tensor& weight = *found;
  weight.shape[0] -= 1;
  weight.bytes.resize(std::size_t(weight.shape[0] * weight.shape[1]) * sizeof(float));
  io::save(file, flow, cut);
  CHECK_THROWS_WITH(io::load_average(file, flow),
                    ContainsSubstring("field.0.weight: the file has shape") && ContainsSubstring("[5, 2]"));
  // Half of a file.
  io::save(file, flow, io::notes_of(flow, of_flow));
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  CHECK_THROWS_AS(io::load_average(file, flow), FileError);

  of_flow.average(1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(io::notes_of(flow, of_flow), ArgumentError);
}
