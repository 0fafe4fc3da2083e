#include <pathline/nn/compose/chain.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr detail::Place inner{.last = false, .chain_kept = false}, final{.last = true, .chain_kept = false};

}  // namespace

TEST_CASE("A link takes its layer's tape and its output from the tape of the chain", "[nn]") {
  const Dense<double, Tanh> layer(2, 5);
  CHECK(detail::link_tape_size(layer, inner, 3, 2) ==
        Slices<double>::size(layer.tape_size(3, 2)) + Slices<double>::size(5 * 3 * (1 + 2)));
  CHECK(detail::link_tape_size(layer, final, 3, 2) == Slices<double>::size(layer.tape_size(3, 2)));
  CHECK(detail::link_tape_size(Linear<double>(2, 5), inner, 3, 0) == Slices<double>::size(15));
}

TEST_CASE("A link hands on its output, the parameters behind its own, and the rest of the tape", "[nn]") {
  const Linear<double> layer(2, 3);
  const Index own = layer.parameter_count(), n = 4;
  const Vector<double> theta = gaussian(0, own + 5, 1);
  const Batch<double> S = gaussian(1, 1, 1), X = gaussian(2, 2, 2 * n);
  Batch<double> expected(3, 2 * n), Y = Batch<double>::Constant(1, 2 * n, 7.0);
  Workspace<double> workspace;
  layer.linearize(theta.head(own), S, X, n, expected, {}, workspace);

  Vector<double> tape(detail::link_tape_size(layer, inner, n, 1) + 8);
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  int calls = 0;
  detail::linearize_link(layer, inner, theta, S, X, n, Y, Slices<double>(slab), workspace,
                         [&](ConstVectorRef<double> theta_rest, ConstBatchRef<double> middle, Slices<double> rest) {
                           ++calls;
                           CHECK(theta_rest == theta.tail(5));
                           CHECK(middle == expected);
                           CHECK(rest.scalars(1).data() == tape.data() + detail::link_tape_size(layer, inner, n, 1));
                         });
  CHECK(calls == 1);
  CHECK((Y.array() == 7).all());  // the output of the chain belongs to the links behind

  // Backwards: those behind come first, and what they give is pulled back through this one.
  const Batch<double> middle_bar = gaussian(3, 3, 2 * n);
  Batch<double> scratch = middle_bar, X_bar(2, 2 * n), S_bar = Batch<double>::Zero(1, 1), expected_X_bar(2, 2 * n),
                expected_S_bar = S_bar;
  Vector<double> theta_bar = Vector<double>::Zero(own + 5), expected_theta_bar = Vector<double>::Zero(own);
  layer.pullback(theta.head(own), S, X, n, {}, scratch, expected_X_bar, expected_S_bar, expected_theta_bar, workspace);
  detail::pullback_link(layer, inner, theta, S, X, n, Slices<double>(slab), Y, Y, X_bar, S_bar, theta_bar, workspace,
                        [&](ConstVectorRef<double> theta_rest, ConstBatchRef<double> middle, Slices<double> /*rest*/,
                            BatchRef<double> bar, VectorRef<double> theta_bar_rest) {
                          ++calls;
                          CHECK(theta_rest == theta.tail(5));
                          CHECK(middle == expected);
                          bar = middle_bar;
                          theta_bar_rest.setConstant(3);
                        });
  CHECK(calls == 2);
  CHECK(X_bar == expected_X_bar);
  CHECK(S_bar == expected_S_bar);
  CHECK(theta_bar.head(own) == expected_theta_bar);
  CHECK((theta_bar.tail(5).array() == 3).all());
}

namespace {

/// Writes down what it is called with. One tangent takes 11 scalars a sample of its tape, one derivative along a path
/// 5. Beside its output it takes 2 a sample, and notes that in capitals.
template <bool ReadsOutput>
struct Recorder {
  using Scalar = double;
  struct Call {
    char what;
    Index theta, tape;
    bool operator==(const Call&) const = default;
  };
  std::vector<Call>* calls;

  [[nodiscard]] static Index parameter_count() { return 3; }
  [[nodiscard]] static Index out_rows() { return 2; }
  [[nodiscard]] static Index tape_size(Index n, Index k) { return n * (7 + 11 * k); }
  [[nodiscard]] static Index taylor_tape_size(Index n, Index order) { return n * (1 + 5 * order); }
  void linearize(const auto& theta, const auto&, const auto&, Index, auto&& Y, std::span<double> tape, auto&) const {
    calls->push_back({'l', theta.size(), Index(tape.size())});
    Y.setConstant(4);
  }
  [[nodiscard]] static Index tape_size_beside_output(Index n, Index k) requires ReadsOutput { return n * (2 + k); }
  void linearize_beside_output(const auto& theta, const auto&, const auto&, Index, BatchRef<double> Y,
                               std::span<double> tape, auto&) const requires ReadsOutput {
    calls->push_back({'L', theta.size(), Index(tape.size())});
    Y.setConstant(4);
  }
  void pullback_beside_output(const auto& theta, const auto&, const auto&, Index, std::span<double> tape,
                              View<const double> Y, auto&&, auto&&, auto&&, const auto& theta_bar,
                              auto&) const requires ReadsOutput {
    CHECK(Y(0, 0) == 4);
    calls->push_back({'P', theta.size() + 100 * theta_bar.size(), Index(tape.size())});
  }
  void taylor(const auto& theta, const auto&, const auto&, Index, auto&& Y, std::span<double> tape, auto&) const {
    calls->push_back({'t', theta.size(), Index(tape.size())});
    Y.setConstant(5);
  }
  void pullback(const auto& theta, const auto&, const auto&, Index, std::span<double> tape, auto&&, auto&&, auto&&,
                const auto& theta_bar, auto&) const {
    calls->push_back({'p', theta.size() + 100 * theta_bar.size(), Index(tape.size())});
  }
  void taylor_pullback(const auto& theta, const auto&, const auto&, Index, std::span<double> tape, auto&&, auto&&,
                       auto&&, const auto& theta_bar, auto&) const {
    calls->push_back({'q', theta.size() + 100 * theta_bar.size(), Index(tape.size())});
  }
};

/// A link with n = 3 samples and k tangents or derivatives, forwards and backwards.
template <class Mode, bool ReadsOutput = false>
auto calls_of_link(Index k, detail::Place place) {
  constexpr Index n = 3;
  std::vector<typename Recorder<ReadsOutput>::Call> calls;
  const Recorder<ReadsOutput> layer{&calls};
  const Index size = detail::link_tape_size<Mode>(layer, place, n, k);
  Vector<double> theta = Vector<double>::Zero(place.last ? 3 : 10), theta_bar = theta, tape(size + 8);
  Batch<double> S(0, 1), S_bar = S, X = Batch<double>::Zero(2, n * (1 + k)), X_bar = X, Y = X, Y_bar = X;
  Workspace<double> workspace;
  const Slices<double> slices(std::span<double>(tape.data(), std::size_t(tape.size())));
  detail::linearize_link<Mode>(layer, place, theta, S, X, n, Y, slices, workspace,
                               [&](ConstVectorRef<double> rest, ConstBatchRef<double>, Slices<double> behind) {
                                 calls.push_back({'n', rest.size(), behind.scalars(1).data() - tape.data() - size});
                               });
  detail::pullback_link<Mode>(
      layer, place, theta, S, X, n, slices, Y, Y_bar, X_bar, S_bar, theta_bar, workspace,
      [&](ConstVectorRef<double> rest, ConstBatchRef<double>, Slices<double> behind, BatchRef<double> bar,
          VectorRef<double> bar_rest) {
        bar.setZero();
        calls.push_back({'m', rest.size() + 100 * bar_rest.size(), behind.scalars(1).data() - tape.data() - size});
      });
  return calls;
}

}  // namespace

TEST_CASE("A link gives its layer as much tape as the layer asks for, and the next link what is behind", "[nn]") {
  using Calls = decltype(calls_of_link<detail::LinearizeMode>(0, final));
  using detail::LinearizeMode, detail::TaylorMode;
  for (const Index k : {0, 1, 2}) {
    INFO("k = " << k);
    const Index tape = 3 * (7 + 11 * k), taylor_tape = 3 * (1 + 5 * k);
    CHECK(calls_of_link<LinearizeMode>(k, final) == Calls{{'l', 3, tape}, {'p', 303, tape}});
    CHECK(calls_of_link<LinearizeMode>(k, inner) ==
          Calls{{'l', 3, tape}, {'n', 7, 0}, {'m', 707, 0}, {'p', 303, tape}});
    CHECK(calls_of_link<TaylorMode>(k, final) == Calls{{'t', 3, taylor_tape}, {'q', 303, taylor_tape}});
    CHECK(calls_of_link<TaylorMode>(k, inner) ==
          Calls{{'t', 3, taylor_tape}, {'n', 7, 0}, {'m', 707, 0}, {'q', 303, taylor_tape}});
  }
}

TEST_CASE("A link tells a layer that reads its output whether that is kept", "[nn]") {
  using detail::LinearizeMode, detail::TaylorMode;
  using Calls = decltype(calls_of_link<LinearizeMode, true>(0, final));
  for (const Index k : {0, 2}) {
    INFO("k = " << k);
    const Index tape = 3 * (7 + 11 * k), less = 3 * (2 + k), taylor_tape = 3 * (1 + 5 * k);
    CHECK(calls_of_link<LinearizeMode, true>(k, inner) ==
          Calls{{'L', 3, less}, {'n', 7, 0}, {'m', 707, 0}, {'P', 303, less}});
    CHECK(calls_of_link<LinearizeMode, true>(k, final) == Calls{{'l', 3, tape}, {'p', 303, tape}});
    CHECK(calls_of_link<LinearizeMode, true>(k, {.last = true, .chain_kept = true}) ==
          Calls{{'L', 3, less}, {'P', 303, less}});
    CHECK(calls_of_link<TaylorMode, true>(k, inner) ==
          Calls{{'t', 3, taylor_tape}, {'n', 7, 0}, {'m', 707, 0}, {'q', 303, taylor_tape}});
  }
}

TEST_CASE("Without a tape a layer is not asked to leave anything beside its output", "[nn]") {
  std::vector<Recorder<true>::Call> calls;
  Workspace<double> workspace;
  Batch<double> S(0, 1), X = Batch<double>::Zero(2, 3), Y = X;
  const Vector<double> theta = Vector<double>::Zero(10);
  detail::linearize_link(Recorder<true>{&calls}, inner, theta, S, X, 3, Y, Slices<double>({}), workspace,
                         [](const auto&...) {});
  CHECK(calls == std::vector<Recorder<true>::Call>{{'l', 3, 0}});
}

TEST_CASE("The last link writes to the caller and calls nobody", "[nn]") {
  const Linear<double> layer(2, 3, 0);
  const Vector<double> theta = gaussian(0, layer.parameter_count(), 1);
  const Batch<double> S(0, 1), X = gaussian(1, 2, 4);
  Batch<double> Y(3, 4), expected(3, 4);
  Workspace<double> workspace;
  Vector<double> tape(1);
  layer.linearize(theta, S, X, 4, expected, {}, workspace);
  detail::linearize_link(layer, final, theta, S, X, 4, Y,
                         Slices<double>(std::span<double>(tape.data(), std::size_t(tape.size()))), workspace,
                         [](const auto&...) { FAIL("there is nothing behind the last link"); });
  CHECK(Y == expected);
}
