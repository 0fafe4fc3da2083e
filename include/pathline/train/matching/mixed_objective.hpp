/// \file
/// Maximum likelihood and another objective of the same flow together:
///
///     FlowMatching matching(flow, OptimalTransport{});
///     MixedObjective mixed(flow, matching, 0.1);   // the flow's loss + 0.1 times that of flow matching
///     fit(mixed, X, {.epochs = 20}, rng);
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/trainable.hpp>

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// The loss of a flow, costs and `LikelihoodWeight` included, plus `weight` times that of another objective:
/// `Trainable`, so that `fit` takes it in the flow's place. The flow's likelihood judges. Of the training loss,
/// `costs` has one number more, the mean loss of the other objective without its weight.
///
/// \tparam Flow   A `Cnf`.
/// \tparam Other  `WeightedTrainable` with the parameters of the flow, such as `FlowMatching`.
template <class Flow, class Other>
class MixedObjective {
  static_assert(
      WeightedTrainable<Flow> &&
          requires(const Flow& flow, TrainingLoss<typename Flow::Scalar>& loss) { loss = flow.make_training_loss(); },
      "MixedObjective: the first argument must be a Cnf");
  static_assert(WeightedTrainable<Other>,
                "MixedObjective: the second argument must be an objective of the flow, as FlowMatching is");
  static_assert(
      !requires(Flow & flow, typename Flow::Memory& memory) { flow.after_step(memory); },
      "MixedObjective: a flow with running statistics (MovingNormalization) is trained by likelihood alone");

 public:
  using Scalar = typename Flow::Scalar;
  using DataScalar = detail::DataScalarOf<Flow>;
  struct Memory {
    typename Flow::Memory flow;
    typename Other::Memory other;
    detail::TrainingLossOf<Other> loss;
    template <class Visit>
    void state(Visit& visit) {
      if constexpr (HasState<typename Other::Memory>) other.state(visit);
    }
  };
  /// Whether the loss of a row depends on the other rows of its mini-batch.
  static constexpr bool couples_rows = [] {
    if constexpr (requires { Other::couples_rows; })
      return Other::couples_rows;
    else
      return false;
  }();

  /// Refers to the flow, which must outlive it, and keeps the other objective.
  /// \throws ArgumentError unless they have the same parameters and the weight is a positive number.
  MixedObjective(Flow& flow, Other other, double weight) : flow_(flow), other_(std::move(other)), weight_(weight) {
    if (!(weight > 0 && std::isfinite(weight)))
      throw ArgumentError("MixedObjective: weight", weight, "a positive number");
    if (std::as_const(flow).parameters().data() != std::as_const(other_).parameters().data())
      throw ArgumentError("MixedObjective: flow of the other objective", "another one",
                          "the flow that is given with it");
  }

  // What `fit` asks of a flow.
  [[nodiscard]] decltype(auto) parameters() { return flow_.parameters(); }
  [[nodiscard]] decltype(auto) parameters() const { return std::as_const(flow_).parameters(); }
  [[nodiscard]] Index dim() const { return flow_.dim(); }
  [[nodiscard]] Index data_rows() const { return flow_.data_rows(); }
  [[nodiscard]] const auto& base() const noexcept { return flow_.base(); }
  [[nodiscard]] const auto& data_transform() const noexcept { return flow_.data_transform(); }
  [[nodiscard]] Batch<Scalar> transform(ConstDataRef<DataScalar> X) const { return flow_.transform(X); }
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<DataScalar> X) const { return flow_.log_prob(X); }
  [[nodiscard]] Row<Scalar> refined_log_prob(ConstDataRef<DataScalar> X) const { return flow_.refined_log_prob(X); }
  [[nodiscard]] auto refinement() const { return flow_.refinement(); }
  [[nodiscard]] Row<Scalar> log_prob_by_training_solver(ConstDataRef<DataScalar> X) const requires
      requires(const Flow& flow) {
    flow.log_prob_by_training_solver(X);
  }
  { return flow_.log_prob_by_training_solver(X); }
  [[nodiscard]] std::vector<std::string> context_warnings(ConstDataRef<DataScalar> X) const {
    return flow_.context_warnings(X);
  }
  [[nodiscard]] std::vector<std::string> data_warnings(ConstDataRef<DataScalar> X) const {
    return flow_.data_warnings(X);
  }
  [[nodiscard]] std::vector<std::string> training_warnings(const Memory& memory) const {
    if constexpr (requires { other_.training_warnings(memory.other); })
      return other_.training_warnings(memory.other);
    else
      return {};
  }
  [[nodiscard]] const Flow& trained_model() const noexcept { return flow_; }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("weight", weight_);
    if constexpr (HasSettings<Other>) other_.settings(visit);
  }
  [[nodiscard]] TrainingLoss<Scalar> make_training_loss() const { return {}; }

  /// As `Cnf::value_and_gradient`. The other objective has a draw of its own.
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          TrainingLoss<Scalar>& result) const {
    value_and_gradient(X, samples, Vector<Scalar>(), draw, memory, result);
  }
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, Memory& memory, TrainingLoss<Scalar>& result) const {
    const Draw of_other{draw.seed + 0xD1B54A32D192ED03U, draw.number};
    other_.value_and_gradient(X, samples, weights, of_other, memory.other, memory.loss);
    flow_.value_and_gradient(X, samples, weights, draw, memory.flow, result);
    result.loss += weight_ * memory.loss.loss;
    result.costs.push_back(memory.loss.loss);
    const auto add = [&](View<const Scalar> bar, View<Scalar> to) { detail::axpy<Scalar>(Scalar(weight_), bar, to); };
    add(memory.loss.gradient, result.gradient);
    if constexpr (requires { memory.loss.context_gradient; })
      add(memory.loss.context_gradient, result.context_gradient);
    result.forward += memory.loss.forward;
    result.backward += memory.loss.backward;
  }

 private:
  Flow& flow_;
  Other other_;
  double weight_;
};

}  // namespace pathline
