/// \file
/// A trained flow of any type, for a class that has one without naming its policies:
///
///     class Detector {
///      public:
///       explicit Detector(AnyFlow<double> density) : density_(std::move(density)) {}  // give it any Cnf
///       Row<double> surprise(ConstDataRef<double> X) const { return -density_.log_prob(X); }
///
///      private:
///       AnyFlow<double> density_;
///     };
///
/// This header includes nothing of what a flow is made of: a program that is given an `AnyFlow` compiles no solver.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/samples_with_log_prob.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline {

/// An `AnyFlow` that has no flow, because it was made without one or moved from, was asked for something.
struct EmptyFlowError : Error {
  using Error::Error;
};

/// What an `AnyFlow` can be made from: `Cnf` with any field and policies, or a class of your own with these functions,
/// whose meaning is in flow/cnf.hpp. X is raw data, Z points of the base density, C context.
template <class F>
concept EvaluatedFlow = Real<typename F::Scalar> && Real<typename F::DataScalar> &&
    requires(const F flow, const DataRef<typename F::DataScalar>& X, const DataRef<typename F::Scalar>& Z, Index n,
             Rng& rng) {
  { flow.dim() } -> std::convertible_to<Index>;
  { flow.context_rows() } -> std::convertible_to<Index>;
  { flow.log_prob(X) } -> std::same_as<Row<typename F::Scalar>>;
  { flow.transform(X) } -> std::same_as<Batch<typename F::Scalar>>;
  { flow.inverse(Z) } -> std::same_as<Batch<typename F::DataScalar>>;
  { flow.sample(n, rng) } -> std::same_as<Batch<typename F::DataScalar>>;
  { flow.sample(X, rng) } -> std::same_as<Batch<typename F::DataScalar>>;
  { flow.sample_with_log_prob(n, rng) } -> std::same_as<SamplesWithLogProb<typename F::Scalar, typename F::DataScalar>>;
  { flow.sample_with_log_prob(X, rng) } -> std::same_as<SamplesWithLogProb<typename F::Scalar, typename F::DataScalar>>;
};

namespace detail {

/// What an AnyFlow<Scalar> asks of the flow that it has.
template <Real Scalar>
class FlowInterface {
 public:
  FlowInterface() = default;
  FlowInterface(const FlowInterface&) = delete;
  FlowInterface& operator=(const FlowInterface&) = delete;
  virtual ~FlowInterface() = default;
  [[nodiscard]] virtual Index dim() const = 0;
  [[nodiscard]] virtual Index context_rows() const = 0;
  [[nodiscard]] virtual Row<Scalar> log_prob(const DataRef<Scalar>& X) const = 0;
  [[nodiscard]] virtual Batch<Scalar> transform(const DataRef<Scalar>& X) const = 0;
  [[nodiscard]] virtual Batch<Scalar> inverse(const DataRef<Scalar>& Z) const = 0;
  [[nodiscard]] virtual Batch<Scalar> sample(Index count, Rng& rng) const = 0;
  [[nodiscard]] virtual Batch<Scalar> sample(const DataRef<Scalar>& C, Rng& rng) const = 0;
  [[nodiscard]] virtual SamplesWithLogProb<Scalar> sample_with_log_prob(Index count, Rng& rng) const = 0;
  [[nodiscard]] virtual SamplesWithLogProb<Scalar> sample_with_log_prob(const DataRef<Scalar>& C, Rng& rng) const = 0;
};

/// A flow of this type, whose data are of this scalar. What it gives in float becomes double where they are.
template <Real Scalar, EvaluatedFlow F>
class HeldFlow final : public FlowInterface<Scalar> {
 public:
  template <class From>
  explicit HeldFlow(From&& flow) : flow_(std::forward<From>(flow)) {}
  [[nodiscard]] Index dim() const override { return flow_.dim(); }
  [[nodiscard]] Index context_rows() const override { return flow_.context_rows(); }
  [[nodiscard]] Row<Scalar> log_prob(const DataRef<Scalar>& X) const override {
    return flow_.log_prob(X).template cast<Scalar>();
  }
  [[nodiscard]] Batch<Scalar> transform(const DataRef<Scalar>& X) const override {
    return flow_.transform(X).template cast<Scalar>();
  }
  [[nodiscard]] Batch<Scalar> inverse(const DataRef<Scalar>& Z) const override {
    if constexpr (std::same_as<typename F::Scalar, Scalar>)
      return flow_.inverse(Z);
    else
      return flow_.inverse(Batch<typename F::Scalar>(Z.template cast<typename F::Scalar>()));
  }
  [[nodiscard]] Batch<Scalar> sample(Index count, Rng& rng) const override { return flow_.sample(count, rng); }
  [[nodiscard]] Batch<Scalar> sample(const DataRef<Scalar>& C, Rng& rng) const override { return flow_.sample(C, rng); }
  [[nodiscard]] SamplesWithLogProb<Scalar> sample_with_log_prob(Index count, Rng& rng) const override {
    return in_scalar_of_data(flow_.sample_with_log_prob(count, rng));
  }
  [[nodiscard]] SamplesWithLogProb<Scalar> sample_with_log_prob(const DataRef<Scalar>& C, Rng& rng) const override {
    return in_scalar_of_data(flow_.sample_with_log_prob(C, rng));
  }

 private:
  using Result = SamplesWithLogProb<typename F::Scalar, Scalar>;
  [[nodiscard]] static SamplesWithLogProb<Scalar> in_scalar_of_data(Result result) {
    return {std::move(result.samples), result.log_prob.template cast<Scalar>()};
  }

  F flow_;
};

}  // namespace detail

/// A flow whose data are of this scalar, of any field and policies: the answers are those of the flow, bit by bit, for
/// one indirect call a batch. All functions are `const` and may be called from several threads at once.
///
/// It is made from a copy of a flow, or from one that is moved in, which nothing can change afterwards. Copies of an
/// `AnyFlow` share it: they behave as copies of the flow and cost no memory.
///
/// A float flow with a data transform of double, `Standardize(X)` of a double X, takes and gives double data; that is
/// an `AnyFlow<double>`. Its densities are floats as doubles then, and points that `inverse` is given are rounded to
/// float.
///
/// Without a flow (made by default, or moved from) every function but the test `if (flow)` throws EmptyFlowError.
template <Real Scalar>
class AnyFlow {
 public:
  AnyFlow() = default;
  /// From a flow: see `EvaluatedFlow`.
  template <class F>
  requires requires { typename std::decay_t<F>::DataScalar; }
  AnyFlow(F&& flow)  // NOLINT(google-explicit-constructor): as std::function
      : flow_(hold(std::forward<F>(flow))) {}

  /// Whether it has a flow.
  [[nodiscard]] explicit operator bool() const noexcept { return flow_ != nullptr; }
  /// d, rows of samples and of points of the base density.
  [[nodiscard]] Index dim() const { return flow("dim").dim(); }
  /// c, 0 unless the flow is conditional.
  [[nodiscard]] Index context_rows() const { return flow("context_rows").context_rows(); }
  /// Rows of the data that the flow takes: d, then c of context.
  [[nodiscard]] Index data_rows() const { return dim() + context_rows(); }

  /// log p of raw data X (data_rows() × n): 1 × n nats of the raw data.
  /// \throws ShapeError, DataError on bad data; SolveError when a solve fails.
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<Scalar> X) const { return flow("log_prob").log_prob(X); }

  /// Data to base: z(t1) of raw data X, d × n. Errors as above.
  [[nodiscard]] Batch<Scalar> transform(ConstDataRef<Scalar> X) const { return flow("transform").transform(X); }

  /// Base to data: raw x (d × n) of base points Z (d × n, with their context below them). Errors as above.
  [[nodiscard]] Batch<Scalar> inverse(ConstDataRef<Scalar> Z) const { return flow("inverse").inverse(Z); }

  /// `count` samples, d × count, raw. Takes one draw of the generator.
  /// \throws ArgumentError when count is below 1 or the flow is conditional; SolveError when the solve fails.
  [[nodiscard]] Batch<Scalar> sample(Index count, Rng& rng) const { return flow("sample").sample(count, rng); }

  /// A sample for each column of context C (c × n): d × n, raw. Takes one draw of the generator.
  /// \throws ShapeError, DataError on a bad context; SolveError when a solve fails.
  [[nodiscard]] Batch<Scalar> sample(ConstDataRef<Scalar> C, Rng& rng) const { return flow("sample").sample(C, rng); }

  /// Samples with their log p, from one solve. Draws and errors as for `sample`.
  [[nodiscard]] SamplesWithLogProb<Scalar> sample_with_log_prob(Index count, Rng& rng) const {
    return flow("sample_with_log_prob").sample_with_log_prob(count, rng);
  }
  /// The same for each column of context C (c × n).
  [[nodiscard]] SamplesWithLogProb<Scalar> sample_with_log_prob(ConstDataRef<Scalar> C, Rng& rng) const {
    return flow("sample_with_log_prob").sample_with_log_prob(C, rng);
  }

 private:
  using Held = std::shared_ptr<const detail::FlowInterface<Scalar>>;

  template <class From>
  [[nodiscard]] static Held hold(From&& flow) {
    using F = std::decay_t<From>;
    constexpr bool of_another_scalar = std::same_as<typename F::DataScalar, float> != std::same_as<Scalar, float>;
    static_assert(!of_another_scalar || !std::same_as<Scalar, float>,
                  "AnyFlow<float>: the flow takes data of double: it is an AnyFlow<double>");
    static_assert(!of_another_scalar || !std::same_as<Scalar, double>,
                  "AnyFlow<double>: the flow takes data of float: it is an AnyFlow<float>");
    static_assert(of_another_scalar || EvaluatedFlow<F>,
                  "AnyFlow: what it is made from must meet EvaluatedFlow (flow/any_flow.hpp), as Cnf does");
    if constexpr (!of_another_scalar && EvaluatedFlow<F>)
      return std::make_shared<const detail::HeldFlow<Scalar, F>>(std::forward<From>(flow));
    else
      return nullptr;
  }

  [[nodiscard]] const detail::FlowInterface<Scalar>& flow(const char* front) const {
    if (!flow_)
      throw EmptyFlowError(std::string("AnyFlow::") + front +
                           ": there is no flow, neither given nor loaded, or it was moved away; assign a Cnf or "
                           "io::load_any(path)");
    return *flow_;
  }

  Held flow_;
};

template <class F>
AnyFlow(F) -> AnyFlow<typename F::DataScalar>;

}  // namespace pathline
