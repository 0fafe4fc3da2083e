#include <pathline/flow/stack/field_stack.hpp>

#include <pathline/flow/flow_parts.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Layers = Mlp<double, Tanh>::Layers;
using Plain = FieldStack<Layers>;
using Normalized = FieldStack<Layers, MovingNormalization>;

// The stack, and the same without one thing each: a deleted function hides the inherited one.
struct NoBlocks : Plain {
  void blocks() const = delete;
};
struct NoBlock : Plain {
  void block(Index) const = delete;
};
struct NoOffset : Plain {
  void block_offset(Index) const = delete;
};
struct NoDim : Plain {
  void dim() const = delete;
};
struct NoSideRows : Plain {
  void side_rows() const = delete;
};
struct NoWidest : Plain {
  void widest() const = delete;
};
struct FixedParameters : Plain {
  [[nodiscard]] const Vector<double>& parameters() const { return Plain::parameters(); }
};
struct BlockIsNoField : Plain {
  using Block = int;
  [[nodiscard]] int block(Index) const { return 0; }
};
using pathline::detail::StackOfFields;
static_assert(StackOfFields<Plain> && StackOfFields<Normalized>);
static_assert(!StackOfFields<NoBlocks> && !StackOfFields<NoBlock> && !StackOfFields<NoOffset>);
static_assert(!StackOfFields<NoDim> && !StackOfFields<NoSideRows> && !StackOfFields<NoWidest>);
static_assert(!StackOfFields<FixedParameters> && !StackOfFields<BlockIsNoField>);
static_assert(!StackOfFields<Network<Layers>>, "a field is solved as it is");
static_assert(!VectorField<Plain> && !Field<Normalized>, "a stack is no field: it is several");
static_assert(!Plain::normalizes && Normalized::normalizes);

Layers layers() { return Mlp<double, Tanh>::layers(2, {4}); }

}  // namespace

TEST_CASE("FieldStack: its parameters are blocks in a row with normalisations around them", "[flow]") {
  Rng rng(3), same(3);
  const Plain plain(layers(), 3, rng);
  const Index count = layers().parameter_count();
  const Normalized stack(layers(), 3, same, MovingNormalization{});
  CHECK(plain.parameters().size() == 3 * count);
  REQUIRE(stack.parameters().size() == 3 * count + 4 * 8);
  CHECK(stack.normalization_offset(0) == 0);
  CHECK(stack.normalization_offset(3) + 8 == stack.parameters().size());
  Rng again(3);
  for (Index b = 0; b < 3; ++b) {
    const Network<Layers> alone(layers(), again);
    CHECK(plain.parameters().segment(plain.block_offset(b), count) == alone.parameters());
    CHECK(stack.parameters().segment(stack.block_offset(b), count) == alone.parameters());
    CHECK(stack.block_offset(b) == stack.normalization_offset(b) + 8);
    CHECK(stack.normalization_offset(b + 1) == stack.block_offset(b) + count);
    CHECK(stack.parameters().segment(stack.normalization_offset(b), 6).isZero(0));
    CHECK(stack.parameters().segment(stack.normalization_offset(b) + 6, 2) == Vector<double>::Ones(2));
  }
  CHECK(stack.dim() == 2);
  CHECK(stack.side_rows() == 1);
  CHECK(stack.widest() == layers().widest());
  CHECK(stack.blocks() == 3);
}

TEST_CASE("FieldStack: a copy's blocks read the copy's parameters", "[flow]") {
  Rng rng(3);
  const Plain stack(layers(), 2, rng);
  Plain copy = stack;
  copy.parameters().setZero();
  Workspace<double> workspace;
  const auto value = [&](const Plain& of) {
    const Plain::Block block = of.block(1);
    std::vector<double> tape(std::size_t(block.tape_size(1, 0)));
    Batch<double> F(2, 1);
    block.linearize(Batch<double>::Ones(1, 1), Batch<double>::Ones(2, 1), 1, F, tape, workspace);
    return F;
  };
  CHECK(value(copy).isZero(0));
  CHECK_FALSE(value(stack).isZero(1e-3));
}

TEST_CASE("FieldStack: normalisations move the state and its log-determinant", "[flow]") {
  Rng rng(3);
  Normalized stack(layers(), 2, rng, MovingNormalization{.epsilon = 1e-9});
  stack.parameters().segment(stack.normalization_offset(1), 8) << std::log(3), std::log(5), 1, 2, 10, 20, 4, 0.25;
  Batch<double> y(4, 1), z(2, 1);
  y << 12, 20.5, 7, 8;  // z, log-determinant, a cost
  z = y.topRows(2);
  stack.normalize(1, y);
  stack.normalize(1, z);  // without a row for the log-determinant
  const Vector<double> expected{
      {1 + 3 * (12 - 10) / 2.0, 2 + 5 * (20.5 - 20) / 0.5, 7 + std::log(3.0 / 2 * 5 / 0.5), 8}};
  CHECK(max_difference(y, expected) < 1e-8);  // ε/v
  CHECK(z == y.topRows(2));
  stack.denormalize(1, y);
  CHECK(max_difference(y, Vector<double>{{12, 20.5, 7, 8}}) < 1e-14);
}

TEST_CASE("FieldStack: what cannot be stacked is refused", "[flow][errors]") {
  Rng rng(3);
  CHECK_THROWS_WITH(Plain(layers(), 0, rng), "FieldStack: blocks is 0, expected at least 1");
  CHECK_THROWS_WITH(FieldStack(Linear<double>(3, 2, 1), 2, rng),
                    "FieldStack: output of the last layer has 2 rows, expected 3");
  CHECK_THROWS_AS(Normalized(layers(), 2, rng, MovingNormalization{.decay = 0}), ArgumentError);
}
