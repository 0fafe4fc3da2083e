#include <pathline/gradient/per_sample/sample_record.hpp>

#include <support/catch.hpp>

#include <array>

namespace pathline {
namespace {

TEST_CASE("SampleRecord: steps of interleaved samples, each linked to the one before", "[gradient]") {
  detail::SampleRecord<double> record;
  record.start(2);
  record.add_sample(1);
  record.add_sample(2);
  REQUIRE(record.samples() == 2);
  CHECK(record.last(0) == -1);

  const std::array<double, 2> a{1, 2}, b{3, 4}, c{5, 6};
  record.accept(0, 0, 0.5, 0.5, a.data());
  record.accept(1, 0, 0.25, 0.25, b.data());
  record.accept(0, 0.5, 0.125, 0.626, c.data());  // t_next as the solver has it, not t + h
  CHECK(record.last(0) == 2);
  CHECK(record.last(1) == 1);
  CHECK(record.step(2).before == 0);
  CHECK(record.step(1).before == -1);
  CHECK(record.step(0).before == -1);
  CHECK(record.state(1)[0] == 3);
  CHECK(record.state(2)[1] == 6);
  CHECK(record.step(2).time(0) == 0.5);
  CHECK(record.step(2).time(0.5) == 0.5625);
  CHECK(record.step(2).time(1) == 0.626);
}

TEST_CASE("SampleRecord: outputs after so many steps, and the state at the last one", "[gradient]") {
  detail::SampleRecord<double> record;
  record.start(2);
  record.add_sample(1);
  record.add_sample(2);
  const std::array<double, 2> first{1, 2}, last{3, 4}, other{5, 6};
  record.count_step(1);
  record.output(1, 0.5, first.data());
  CHECK(record.written(1) == 1);
  record.count_step(1);
  record.count_step(0);
  record.output(1, 0, last.data());
  record.output(0, 0.25, other.data());
  CHECK(record.steps(0) == 1);
  CHECK(record.steps(1) == 2);
  REQUIRE(record.outputs(1).size() == 2);
  CHECK(record.outputs(1)[0].after == 1);
  CHECK(record.outputs(1)[0].theta == 0.5);
  CHECK(record.outputs(1)[1].after == 2);
  REQUIRE(record.outputs(0).size() == 1);
  CHECK(record.outputs(0)[0].theta == 0.25);
  CHECK(record.end(0)[1] == 6);
  CHECK(record.end(1)[0] == 3);

  record.start(1);
  CHECK(record.samples() == 0);
  record.add_sample(1);
  CHECK(record.outputs(0).empty());
  CHECK(record.last(0) == -1);
}

}  // namespace
}  // namespace pathline
