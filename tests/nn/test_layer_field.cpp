#include <pathline/nn/layer_field.hpp>

#include <pathline/nn/mlp.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/taylor/path_derivatives.hpp>

#include <support/catch.hpp>

#include <span>
#include <vector>

using namespace pathline;

namespace {

using Layers = Mlp<double, Tanh>::Layers;

static_assert(VectorField<LayerField<Layers>> && VectorField<LayerField<Linear<float>>>);
static_assert(!Field<LayerField<Layers>>, "a view owns no parameters");
static_assert(!TracedField<LayerField<Layers>>);
static_assert(TracedField<LayerField<Potential<double>>> && PotentialField<LayerField<Potential<double>>>);

static_assert(TaylorField<LayerField<Layers>> && !TaylorField<LayerField<Potential<double>>>);

/// The numbers of a field from somewhere inside a longer vector.
Vector<double> inside_of_more(const Vector<double>& theta, Index before) {
  Vector<double> result = Vector<double>::Constant(before + theta.size() + 2, 7);
  result.segment(before, theta.size()) = theta;
  return result;
}

Batch<double> numbers(Index rows, Index columns) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{4, 1}, 0, X);
  return X;
}

}  // namespace

TEST_CASE("LayerField: a slice of parameters gives the network's values and cotangents", "[nn]") {
  const Index d = 3, n = 5, k = 2;
  Rng rng(2);
  const Mlp<double, Tanh> network(d, {6, 4}, rng);
  const Layers layers = Mlp<double, Tanh>::layers(d, {6, 4});
  const Vector<double> theta = inside_of_more(network.parameters(), 5);
  const LayerField<Layers> field(layers, theta.data() + 5);
  REQUIRE(field.dim() == d);
  REQUIRE(field.side_rows() == network.side_rows());
  REQUIRE(field.widest() == network.widest());
  REQUIRE(field.parameter_count() == network.parameters().size());
  REQUIRE(field.tape_size(n, k) == network.tape_size(n, k));

  const Batch<double> S = Batch<double>::Constant(1, 1, 0.4), X = numbers(d, n * (1 + k));
  const auto run = [&](const auto& f) {
    Workspace<double> workspace;
    std::vector<double> tape(std::size_t(f.tape_size(n, k)));
    Batch<double> Y(d, X.cols()), Y_bar = numbers(d, X.cols()), X_bar(d, X.cols()), S_bar = Batch<double>::Zero(1, 1);
    Vector<double> all = Vector<double>::Zero(Y.size() + X.size() + 1 + network.parameters().size());
    f.linearize(S, X, n, Y, tape, workspace);
    f.pullback(S, X, n, tape, Y_bar, X_bar, S_bar, all.tail(network.parameters().size()), workspace);
    all.head(Y.size()) = Y.reshaped();
    all.segment(Y.size(), X.size()) = X_bar.reshaped();
    all(Y.size() + X.size()) = S_bar(0, 0);
    return all;
  };
  CHECK(run(field).isApprox(run(network), 1e-14));  // alignment may reorder a sum
}

TEST_CASE("LayerField: a potential keeps its trace in closed form", "[nn]") {
  const Index d = 2, n = 3;
  Rng rng(2);
  const Network<Potential<double>> network(Potential<double>(d, 5, 2), rng);
  const Vector<double> theta = inside_of_more(network.parameters(), 3);
  const LayerField<Potential<double>> field(network.layer(), theta.data() + 3);
  const Batch<double> S = Batch<double>::Constant(1, 1, 0.4), Z = numbers(d, n);
  REQUIRE(field.offered_rows() == network.offered_rows());
  REQUIRE(field.trace_tape_size(n) == network.trace_tape_size(n));
  const auto run = [&](const auto& f) {
    Workspace<double> workspace;
    std::vector<double> tape(std::size_t(f.trace_tape_size(n)));
    Batch<double> Y(d + 1 + f.offered_rows(), n), Z_bar(d, n), S_bar = Batch<double>::Zero(1, 1);
    Batch<double> Y_bar = numbers(Y.rows(), n);
    Vector<double> all = Vector<double>::Zero(Y.size() + Z.size() + network.parameters().size());
    f.evaluate_with_trace(S, Z, Y, tape, workspace);
    f.pullback_with_trace(S, Z, tape, Y_bar, Z_bar, S_bar, all.tail(network.parameters().size()), workspace);
    all.head(Y.size()) = Y.reshaped();
    all.segment(Y.size(), Z.size()) = Z_bar.reshaped();
    return all;
  };
  CHECK(run(field).isApprox(run(network), 1e-14));
}

TEST_CASE("LayerField has the Taylor mode of the network with its numbers", "[nn][field][taylor]") {
  const Index d = 3, n = 2;
  Rng rng(5);
  const Network<Layers> network(Mlp<double, Tanh>::layers(d, {4}), rng);
  const Vector<double> theta = inside_of_more(network.parameters(), 3);
  const LayerField<Layers> view(network.layer(), theta.data() + 3);
  const Batch<double> Z = numbers(d, n), D_bar = numbers(d, 3 * n);
  const auto derivatives = [&](const auto& field) {
    Workspace<double> workspace;
    Vector<double> tape(path_derivatives_tape_size(field, n, 3));
    const std::span<double> slab(tape.data(), std::size_t(tape.size()));
    Batch<double> D(d, 3 * n), scratch = D_bar, S_bar = Batch<double>::Zero(1, 1), Z_bar = Batch<double>::Zero(d, n);
    const Batch<double> S = Batch<double>::Constant(1, 1, 0.3);
    path_derivatives(field, S, Z, D, slab, workspace);
    Vector<double> theta_bar = Vector<double>::Zero(network.parameters().size());
    pullback_path_derivatives(field, slab, scratch, Z_bar, S_bar, theta_bar, workspace);
    Vector<double> all(D.size() + Z_bar.size() + 1 + theta_bar.size());
    all << D.reshaped(), Z_bar.reshaped(), S_bar(0), theta_bar;
    return all;
  };
  CHECK(derivatives(view) == derivatives(network));
}
