#include <pathline/io/average_notes.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/exponential_moving_average.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <cstdint>
#include <filesystem>
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
