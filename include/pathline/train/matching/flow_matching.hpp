/// \file
/// Flow matching: a `Cnf` learns by regression of its field instead of by likelihoods. No ODE is solved in training.
///
///     Cnf flow(Mlp<float, Tanh>(2, {64, 64, 64}, rng), Standardize(X));
///     FlowMatching matching(flow, OptimalTransport{});
///     fit(matching, X, {.epochs = 100, .batch = 256, .validate_every = 10}, rng);
///     flow.log_prob(X);   // exact, as of any flow
///
/// Samples z₀ (in the flow's coordinates: those of its data transform) are joined with draws ε of its base density by a
/// coupling, points z(s) on the paths between them are chosen at random times, and the field is fitted to the paths'
/// velocities u there: E ‖f(t, z(s)) - u‖². The best field is the mean velocity of the paths through a point, and that
/// carries the data to the base. docs/maths.md, section 14; Lipman et al. 2023, Tong et al. 2024.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/matching/conditional_paths.hpp>
#include <pathline/train/matching/coupling.hpp>
#include <pathline/train/matching/judge.hpp>
#include <pathline/train/matching/matching_iteration.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

template <class P>
using IsCoupling = std::bool_constant<Coupling<P, double> || Coupling<P, float>>;
template <class P>
using IsConditionalPath = std::bool_constant<ConditionalPath<P>>;
template <class P>
using IsJudge = std::bool_constant<std::same_as<P, ByLikelihood> || std::same_as<P, ByMatchingLoss>>;

namespace detail {

template <class F>
concept FlowWithParts = requires(F& flow) {
  PartsAccess::parts(flow).base;
  PartsAccess::parts(flow).evaluation_solver;
};
template <class F>
struct StackedFlow : std::false_type {};
template <FlowWithParts F>
struct StackedFlow<F>
    : std::bool_constant<std::remove_cvref_t<decltype(PartsAccess::parts(std::declval<F&>()))>::stacked> {};

/// One readable line for each call that cannot work.
template <class Flow, class... Policies>
struct MatchingCheck {
  static constexpr bool flow = FlowWithParts<Flow>;
  static constexpr bool value = true;
  static_assert(flow, "FlowMatching: the first argument must be a Cnf");
  static_assert(!StackedFlow<Flow>::value,
                "FlowMatching: the blocks of a FieldStack have no single velocity to match: train it by likelihood, or "
                "give the Cnf one field");
  static_assert(((IsCoupling<Policies>::value || IsConditionalPath<Policies>::value || IsJudge<Policies>::value) &&
                 ...),
                "FlowMatching: a policy is none of: coupling (Memory, pair), path (at), ByLikelihood, ByMatchingLoss");
  static_assert(count_of<IsCoupling, Policies...> <= 1, "FlowMatching: more than one coupling");
  static_assert(count_of<IsConditionalPath, Policies...> <= 1, "FlowMatching: more than one path");
  static_assert(count_of<IsJudge, Policies...> <= 1, "FlowMatching: more than one of ByLikelihood, ByMatchingLoss");
};

}  // namespace detail

/// The objective of flow matching for a flow: `Trainable`, so that `fit` takes it in the flow's place. The flow itself
/// changes, and answers as any other afterwards.
///
/// \tparam Policies  Any of, in any order, each at most once: a coupling (`IndependentCoupling`; `OptimalTransport`,
///                   `Sinkhorn`), a path (`StraightPath`; `VariancePreservingPath`), and by what `fit` judges
///                   (`ByLikelihood`; `ByMatchingLoss`).
///
/// Only rows of equal context and equal weight exchange their base points: labels stay right, and so do weights. Where
/// most rows of a mini-batch are the only ones of their context and weight, a coupling has nothing to choose for them;
/// `fit` says so.
///
/// A coupling sees the rows of one mini-batch. `Distributed`, which cuts mini-batches into shares, therefore takes
/// `IndependentCoupling` alone.
///
/// It reads field, base density, transforms, time span, threads and chunk width of the flow. The solver and the trace
/// of training, regularizers and the end-time policy are parts of the likelihood's training alone.
template <class Flow, class... Policies>
class FlowMatching {
  static_assert(detail::MatchingCheck<Flow, Policies...>::value);
  using Usable = std::conditional_t<detail::FlowWithParts<Flow> && !detail::StackedFlow<Flow>::value, Flow,
                                    Cnf<detail::NotAField>>;  // once the line above has been said
  using Parts = std::remove_cvref_t<decltype(detail::PartsAccess::parts(std::declval<Usable&>()))>;
  using CouplingType = detail::first_of<IsCoupling, IndependentCoupling, Policies...>;
  using Path = detail::first_of<IsConditionalPath, StraightPath, Policies...>;
  using Judge = detail::first_of<IsJudge, ByLikelihood, Policies...>;
  using Iteration = detail::MatchingIteration<Parts, CouplingType, Path>;
  static constexpr bool by_likelihood = std::same_as<Judge, ByLikelihood>;

 public:
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;
  /// Whether the loss of a row depends on the other rows of its mini-batch.
  static constexpr bool couples_rows = !std::same_as<CouplingType, IndependentCoupling>;
  static_assert(Coupling<CouplingType, Scalar>,
                "FlowMatching: the coupling's pair must take views of the field's scalar, float or double");
  /// Scratch of repeated training iterations: with the same shapes, the second one allocates nothing.
  using Memory = typename Iteration::Memory;

  /// Refers to the flow, which must outlive it.
  /// \throws ArgumentError for settings of a policy that cannot be, and for a flow with circles, whose paths are no
  ///         straight lines.
  explicit FlowMatching(Flow& flow, const Policies&... policies)
      : flow_(flow),
        coupling_(detail::pick<IsCoupling, CouplingType>(detail::policy_list(policies...))),
        path_(detail::pick<IsConditionalPath, Path>(detail::policy_list(policies...))),
        judge_(detail::pick<IsJudge, Judge>(detail::policy_list(policies...))) {
    const auto check = [](const auto& policy) {
      if constexpr (requires { policy.check(); }) policy.check();
    };
    check(coupling_);
    check(path_);
    check(judge_);
    if constexpr (requires { parts().base.circles(); })
      if (!parts().base.circles().empty())
        throw ArgumentError("FlowMatching: components on circles", Index(parts().base.circles().size()),
                            "0: paths are straight lines; train this flow by likelihood");
  }

  [[nodiscard]] const CouplingType& coupling() const noexcept { return coupling_; }
  [[nodiscard]] const Path& path() const noexcept { return path_; }
  // What `fit` asks of a flow.
  [[nodiscard]] decltype(auto) parameters() { return flow_.parameters(); }
  [[nodiscard]] decltype(auto) parameters() const { return std::as_const(flow_).parameters(); }
  [[nodiscard]] Index dim() const { return flow_.dim(); }
  [[nodiscard]] Index data_rows() const { return flow_.data_rows(); }
  [[nodiscard]] const auto& base() const noexcept { return flow_.base(); }
  [[nodiscard]] const auto& data_transform() const noexcept { return flow_.data_transform(); }
  [[nodiscard]] Batch<Scalar> transform(ConstDataRef<DataScalar> X) const { return flow_.transform(X); }
  [[nodiscard]] Row<Scalar> log_prob(ConstDataRef<DataScalar> X) const requires(by_likelihood) {
    return flow_.log_prob(X);
  }
  [[nodiscard]] Row<Scalar> refined_log_prob(ConstDataRef<DataScalar> X) const requires(by_likelihood) {
    return flow_.refined_log_prob(X);
  }
  [[nodiscard]] auto refinement() const { return flow_.refinement(); }
  /// What a checkpoint asks for.
  [[nodiscard]] const Flow& trained_model() const noexcept { return flow_; }
  template <class Visit>
  void settings(Visit& visit) const {
    const auto add = [&](const auto& policy) {
      if constexpr (HasSettings<std::remove_cvref_t<decltype(policy)>>) policy.settings(visit);
    };
    add(coupling_);
    add(path_);
    add(judge_);
  }

  /// Of `ByMatchingLoss`: ‖f - u‖² of each row of raw data X, the mean over draws that are always the same; 1 × n.
  /// \param first_row  Number of the first row. Rows with other numbers have other draws.
  /// \throws ShapeError, DataError on bad data.
  [[nodiscard]] Row<Scalar> losses(ConstDataRef<DataScalar> X, Index first_row = 0) const requires(!by_likelihood) {
    check_data("FlowMatching::losses: data", X);
    const View<const DataScalar> all(X);
    Row<double> sum = Row<double>::Zero(X.cols());
    Memory memory;
    std::vector<Index> samples;
    const Index batches = chunk_count(X.cols(), judge_.batch);
    for (Index draw = 0; draw < judge_.draws; ++draw)
      for (Index i = 0; i < batches; ++i) {
        const auto [first, count] = chunk_of(X.cols(), batches, i);
        samples.resize(std::size_t(count));
        std::iota(samples.begin(), samples.end(), first_row + first);
        iteration().evaluate(all.middleCols(first, count), samples, Draw{judge_.seed, std::uint64_t(draw)}, memory);
        for (Index j = 0; j < count; ++j) sum(first + j) += memory.losses(j);
      }
    return (sum / double(judge_.draws)).template cast<Scalar>();
  }

  [[nodiscard]] std::vector<std::string> context_warnings(ConstDataRef<DataScalar> X) const {
    return flow_.context_warnings(X);
  }
  /// What the flow finds doubtful about raw data X, and which of its parts do not take part.
  /// \throws DomainError at a number that the data transform does not map.
  [[nodiscard]] std::vector<std::string> data_warnings(ConstDataRef<DataScalar> X) const {
    std::vector<std::string> warnings = flow_.data_warnings(X);
    constexpr bool costs = std::tuple_size_v < typename Parts::Regularizers >> 0;
    constexpr bool end_time = !std::same_as<typename Parts::EndTime, FixedEndTime>;
    if (costs || end_time)
      warnings.push_back(
          detail::message({"FlowMatching: the flow's ", costs ? "regularizers" : "", costs && end_time ? " and " : "",
                           end_time ? "end-time policy" : "", costs ? " take" : " takes",
                           " no part: flow matching solves no path that they could act on"}));
    return warnings;
  }
  /// What `fit` says after the last epoch, of the mini-batches that the memory has seen.
  [[nodiscard]] std::vector<std::string> training_warnings(const Memory& memory) const {
    std::vector<std::string> warnings;
    if (2 * memory.alone > memory.coupled)
      warnings.push_back(detail::message(
          {"FlowMatching: of ", memory.coupled, " rows in mini-batches ", memory.alone,
           " were the only ones of their context and weight in theirs. Only rows of equal context and weight exchange "
           "base points, so that the coupling was the independent one for these. Take larger mini-batches, or fewer "
           "different contexts (labels) and weights; or IndependentCoupling"}));
    if constexpr (requires { coupling_.warnings(memory.coupling); })
      for (std::string& warning : coupling_.warnings(memory.coupling)) warnings.push_back(std::move(warning));
    return warnings;
  }

  [[nodiscard]] MatchingLoss<Scalar> make_training_loss() const { return {}; }

  /// Loss and gradient of raw data X ((d + c) × n).
  /// \param samples  The n row ids: they and the draw decide base points and times, the mini-batch the coupling.
  /// \param draw     Names the random numbers.
  /// \param result   Overwritten; keeps its buffers, as memory does.
  /// \throws ShapeError, DataError on bad data; what the coupling throws.
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          MatchingLoss<Scalar>& result) const {
    value_and_gradient(X, samples, Vector<Scalar>(), draw, memory, result);
  }
  /// The same with a factor for each row (n finite numbers, or none: all 1): the loss is Σ_j w_j loss_j / n.
  void value_and_gradient(ConstDataRef<DataScalar> X, std::span<const Index> samples, ConstVectorRef<Scalar> weights,
                          const Draw& draw, Memory& memory, MatchingLoss<Scalar>& result) const {
    check_data("FlowMatching::value_and_gradient: data", X);
    require_columns("FlowMatching::value_and_gradient: data", X.cols(), Index(samples.size()));
    if (weights.size() > 0) {
      require_columns("FlowMatching::value_and_gradient: weights", weights.size(), X.cols());
      require_finite("FlowMatching::value_and_gradient: weights", weights);
    }
    iteration().run(View<const DataScalar>(X), samples, {weights.data(), std::size_t(weights.size())}, draw, memory,
                    result);
  }

 private:
  [[nodiscard]] const Parts& parts() const { return detail::PartsAccess::parts(std::as_const(flow_)); }
  [[nodiscard]] Iteration iteration() const { return {parts(), coupling_, path_}; }
  void check_data(const char* what, ConstBatchRef<DataScalar> X) const {
    parts().check_parameters();
    if (X.rows() == dim()) require_rows(what, X.rows(), data_rows());  // context is missing, nothing is transposed
    require_batch_rows(what, X.rows(), X.cols(), data_rows());
    require_finite(what, X);
  }

  Flow& flow_;
  CouplingType coupling_;
  Path path_;
  Judge judge_;
};

}  // namespace pathline
