#include <pathline/nn/layer.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace pathline;

namespace {

// A layer, and the same without one thing each: a deleted function hides the inherited one.
struct Good : Linear<double> {
  using Linear::Linear;
};
struct NoInRows : Good {
  void in_rows() const = delete;
};
struct NoOutRows : Good {
  void out_rows() const = delete;
};
struct NoSideRows : Good {
  void side_rows() const = delete;
};
struct NoWidest : Good {
  void widest() const = delete;
};
struct NoParameterCount : Good {
  void parameter_count() const = delete;
};
struct NoTapeSize : Good {
  void tape_size(Index, Index) const = delete;
};
struct TapeSizeOfSamplesOnly : Good {
  [[nodiscard]] Index tape_size(Index n) const { return n; }
};
struct RowsInWords : Good {
  [[nodiscard]] std::string in_rows() const { return "three"; }
};
struct NoLinearize : Good {
  template <class... A>
  void linearize(const A&...) const = delete;
};
struct LinearizeChangesLayer : Good {
  template <class... A>
  void linearize(A&&...) {}
};
struct NoInitialize : Good {
  void initialize(VectorRef<double>, Rng&) const = delete;
};
static_assert(InitializableLayer<Good> && Layer<NoInitialize> && !InitializableLayer<NoInitialize>);
struct NoPullback : Good {
  template <class... A>
  void pullback(const A&...) const = delete;
};
struct PullbackWithoutSideInputs : Good {
  void pullback(ConstVectorRef<double>, ConstBatchRef<double>, Index, std::span<double>, BatchRef<double>,
                BatchRef<double>, VectorRef<double>, Workspace<double>&) const {}
};
struct ScalarIsInt : Good {
  using Scalar = int;
};
static_assert(Layer<Good> && Layer<Linear<float>>);
static_assert(!Layer<NoInRows> && !Layer<NoOutRows> && !Layer<NoSideRows> && !Layer<NoWidest>);
static_assert(!Layer<NoParameterCount> && !Layer<NoTapeSize> && !Layer<TapeSizeOfSamplesOnly> && !Layer<RowsInWords>);
static_assert(!Layer<NoLinearize> && !Layer<NoPullback> && !Layer<PullbackWithoutSideInputs>);
static_assert(tape_optional<Linear<float>> && !tape_optional<Good>, "a derived class may read the tape");
static_assert(!Layer<LinearizeChangesLayer>, "a layer keeps no state: threads share it");
static_assert(!Layer<ScalarIsInt> && !Layer<int> && !Layer<Tanh>);

struct GoodField : Network<Linear<double>> {
  using Network::Network;
};
struct NoDim : GoodField {
  void dim() const = delete;
};
struct FieldWithoutSideRows : GoodField {
  void side_rows() const = delete;
};
struct FieldWithoutWidest : GoodField {
  void widest() const = delete;
};
struct NoParameters : GoodField {
  void parameters() const = delete;
};
struct FixedParameters : GoodField {
  [[nodiscard]] const Vector<double>& parameters() const { return GoodField::parameters(); }
};
struct CopiedParameters : GoodField {
  [[nodiscard]] Vector<double> parameters() const { return GoodField::parameters(); }
};
struct FieldWithoutTapeSize : GoodField {
  void tape_size(Index, Index) const = delete;
};
struct FieldWithoutLinearize : GoodField {
  template <class... A>
  void linearize(const A&...) const = delete;
};
struct FieldWithoutPullback : GoodField {
  template <class... A>
  void pullback(const A&...) const = delete;
};
/// Parameters that belong to somebody else: only their number is known.
struct OthersParameters : NoParameters {
  [[nodiscard]] Index parameter_count() const { return GoodField::parameters().size(); }
};
/// Batch normalisation and its like: each evaluation changes the field (torchdiffeq #38).
struct StatefulField : GoodField {
  void linearize(ConstBatchRef<double>, ConstBatchRef<double>, Index, BatchRef<double>, std::span<double>,
                 Workspace<double>&) {
    ++evaluations;
  }
  Index evaluations = 0;
};
static_assert(Field<GoodField> && Field<Network<Linear<float>>>);
static_assert(VectorField<GoodField> && VectorField<OthersParameters> && !Field<OthersParameters>);
static_assert(VectorField<FixedParameters> && VectorField<CopiedParameters>, "only their number is asked for");
static_assert(!VectorField<NoDim> && !VectorField<FieldWithoutSideRows> && !VectorField<FieldWithoutWidest>);
static_assert(!VectorField<NoParameters> && !VectorField<FieldWithoutTapeSize> && !VectorField<StatefulField>);
static_assert(!VectorField<FieldWithoutLinearize> && !VectorField<FieldWithoutPullback>);
static_assert(!Field<NoDim> && !Field<FieldWithoutSideRows> && !Field<FieldWithoutWidest>);
static_assert(!Field<NoParameters> && !Field<FixedParameters> && !Field<CopiedParameters>);
static_assert(!Field<FieldWithoutTapeSize> && !Field<FieldWithoutLinearize> && !Field<FieldWithoutPullback>);
static_assert(!Field<StatefulField>, "a solver must be free to evaluate a field as often as it likes");
static_assert(!Field<Linear<double>>, "a layer does not own its parameters");
static_assert(!Layer<GoodField>, "a field has its parameters already");

}  // namespace

TEMPLATE_TEST_CASE("Slices cuts consecutive buffers, each on a cache line of its own", "[nn]", float, double) {
  using S = TestType;
  const Index line = 64 / Index(sizeof(S));
  CHECK(Slices<S>::size(0) == 0);
  CHECK(Slices<S>::size(1) == line);
  CHECK(Slices<S>::size(line) == line);
  CHECK(Slices<S>::size(line + 1) == 2 * line);

  std::vector<S> tape(static_cast<std::size_t>(4 * line));
  Slices<S> slices{std::span<S>(tape)};
  const std::span<S> one = slices.scalars(1), none = slices.scalars(0);
  const BatchMap<S> batch = slices.batch(line - 1, 2);
  const std::span<S> last = slices.scalars(line);
  CHECK(one.data() == tape.data());
  CHECK(one.size() == 1);
  CHECK(none.empty());
  CHECK(batch.data() == tape.data() + line);
  CHECK(batch.rows() == line - 1);
  CHECK(batch.cols() == 2);
  CHECK(last.data() == tape.data() + 3 * line);
  CHECK(last.size() == std::size_t(line));
}

TEST_CASE("Slices: the same calls find the same buffers, and a copy goes on by itself", "[nn]") {
  std::vector<double> tape(64);
  Slices<double> writing{std::span<double>(tape)};
  writing.scalars(3)[2] = 1;
  writing.batch(2, 2)(1, 1) = 2;
  Slices<double> reading{std::span<double>(tape)};
  CHECK(reading.scalars(3)[2] == 1);
  Slices<double> copy = reading;
  CHECK(reading.batch(2, 2)(1, 1) == 2);
  CHECK(copy.batch(2, 2)(1, 1) == 2);
}
