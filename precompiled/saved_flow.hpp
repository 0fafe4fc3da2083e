/// \file
/// What io::load_any makes of a file: a flow that evaluates. Its field, data transform, context transform and base
/// density are each one of several types, chosen when the file is read: one `Cnf` serves all combinations, and another
/// one the potentials, whose trace is in closed form. Policies that only training reads are passed over.
#pragma once

#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/any_flow.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/base/student_t.hpp>
#include <pathline/flow/base/uniform_box.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/io/load_any.hpp>
#include <pathline/io/model.hpp>
#include <pathline/precompiled.hpp>

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pathline::io::detail {

/// A data transform that is one of several.
template <Real Scalar>
struct SavedTransform {
  using Kinds = std::variant<NoTransform, Standardize<Scalar>, Whiten<Scalar>, Log<Scalar>, Logit<Scalar>>;
  Kinds kind;
  void check(Index d) const {
    std::visit([&](const auto& one) { one.check(d); }, kind);
  }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    std::visit([&](const auto& one) { one.apply(X, Z, log_det); }, kind);
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    std::visit([&](const auto& one) { one.invert(Z, X); }, kind);
  }
};

/// A context transform that is one of several.
struct SavedContext {
  using Kinds = std::variant<NoContextTransform, StandardizeContext>;
  Kinds kind;
  void check(Index c) const {
    std::visit([&](const auto& one) { one.check(c); }, kind);
  }
  template <class C, class S>
  void apply(const C& raw, S&& read) const {
    std::visit([&](const auto& one) { one.apply(raw, read); }, kind);
  }
  template <class C, class S>
  void pullback(const C& raw, S&& read_bar) const {
    std::visit([&](const auto& one) { one.pullback(raw, read_bar); }, kind);
  }
};

/// A base density that is one of several.
template <Real Scalar>
struct SavedBase {
  using Kinds = std::variant<StandardNormal, DiagonalGaussian<Scalar>, FullGaussian<Scalar>, GaussianMixture<Scalar>,
                             StudentT<Scalar>, UniformBox<Scalar>>;
  Kinds kind;
  void check(Index d) const {
    std::visit(
        [&](const auto& one) {
          if constexpr (requires { one.check(d); }) one.check(d);
        },
        kind);
  }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    std::visit([&](const auto& one) { one.log_density(Z, log_p); }, kind);
  }
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const {
    std::visit([&](const auto& one) { one.score(Z, Z_bar); }, kind);
  }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    std::visit([&](const auto& one) { one.sample(draw, first, Z); }, kind);
  }
};

/// A field without a trace in closed form that is one of several.
template <Real S>
struct SavedField {
  using Scalar = S;
  using Kinds = std::variant<Mlp<S, Tanh>, Mlp<S, Softplus>, SquashMlp<S, Tanh>, SquashMlp<S, Softplus>>;
  Kinds kind;
  [[nodiscard]] Index dim() const {
    return std::visit([](const auto& one) { return one.dim(); }, kind);
  }
  [[nodiscard]] Index side_rows() const {
    return std::visit([](const auto& one) { return one.side_rows(); }, kind);
  }
  [[nodiscard]] Index widest() const {
    return std::visit([](const auto& one) { return one.widest(); }, kind);
  }
  [[nodiscard]] const Vector<S>& parameters() const {
    return std::visit([](const auto& one) -> const Vector<S>& { return one.parameters(); }, kind);
  }
  [[nodiscard]] Vector<S>& parameters() {
    return std::visit([](auto& one) -> Vector<S>& { return one.parameters(); }, kind);
  }
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return std::visit([&](const auto& one) { return one.tape_size(n, k); }, kind);
  }
  void linearize(ConstBatchRef<S> side, ConstBatchRef<S> X, Index n, BatchRef<S> Y, std::span<S> tape,
                 Workspace<S>& workspace) const {
    std::visit([&](const auto& one) { one.linearize(side, X, n, Y, tape, workspace); }, kind);
  }
  void pullback(ConstBatchRef<S> side, ConstBatchRef<S> X, Index n, std::span<S> tape, BatchRef<S> Y_bar,
                BatchRef<S> X_bar, BatchRef<S> side_bar, VectorRef<S> theta_bar, Workspace<S>& workspace) const {
    std::visit([&](const auto& one) { one.pullback(side, X, n, tape, Y_bar, X_bar, side_bar, theta_bar, workspace); },
               kind);
  }
};

}  // namespace pathline::io::detail

namespace pathline::detail {

/// As the field that it is: else a flow would take d tangents here and the closed form where its type is named.
template <Real S>
struct ExactTraceOf<io::detail::SavedField<S>> {
  using Field = io::detail::SavedField<S>;
  [[nodiscard]] static bool possible(const Field& field) {
    return std::visit(
        []<class One>(const One& one) {
          if constexpr (MayKnowExactTrace<One>)
            return ExactTraceOf<One>::possible(one);
          else
            return false;
        },
        field.kind);
  }
  [[nodiscard]] static Index tangents(const Field& field) {
    return std::visit(
        []<class One>(const One& one) {
          if constexpr (MayKnowExactTrace<One>)
            return ExactTraceOf<One>::tangents(one);
          else
            return Index(0);
        },
        field.kind);
  }
  template <class Side, class Points, class Values>
  static void evaluate(const Field& field, const Side& side, const Points& Z, const Values& Y,
                       Workspace<S>& workspace) {
    std::visit(
        [&]<class One>(const One& one) {
          if constexpr (MayKnowExactTrace<One>) ExactTraceOf<One>::evaluate(one, side, Z, Y, workspace);
        },
        field.kind);
  }
};

}  // namespace pathline::detail

namespace pathline::io::detail {

/// What a type is called in messages: "Mlp with activation Tanh", "Whiten".
template <class T>
struct SavedName {
  static std::string text() { return std::string(std::string_view(Described<T>::name)); }
};
template <template <Real, class> class Field, Real Scalar, class Sigma>
struct SavedName<Field<Scalar, Sigma>> {
  static std::string text() {
    return pathline::detail::message({std::string_view(Described<Field<Scalar, Sigma>>::name), " with activation ",
                                      std::string_view(Described<Sigma>::name)});
  }
};

/// Reads the parts that evaluation needs.
class SavedFlow {
 public:
  SavedFlow(const std::string& path, const TensorFile& file)
      : path_(path), source_("io::load_any: " + path), file_(file), state_(file, Rounding::refuse), in_(state_) {
    require_schema(source_, file);
    if (text("model") != "Cnf") throw ModelError(source_, {"model: the file has " + text("model") + ", expected Cnf"});
  }

  /// The flow, with data of this scalar. A field of float with data of double stays one; else what is float in the file
  /// becomes double where the data are.
  template <Real DataScalar>
  [[nodiscard]] AnyFlow<DataScalar> read() {
    if constexpr (std::same_as<DataScalar, double>) {
      if (text("scalar") == "float" && text("data_scalar") == "double") return read_field<float, double>();
    } else if (text("data_scalar") == "double") {
      throw ModelError(source_, {"data_scalar: the file has double, the program float: io::load_any<double> reads it"});
    }
    return read_field<DataScalar, DataScalar>();
  }

 private:
  template <Real Scalar, Real DataScalar>
  [[nodiscard]] AnyFlow<DataScalar> read_field() {
    using OfPotential = Network<Potential<Scalar>>;
    if (text("field") == SavedName<OfPotential>::text())
      return read_policies<DataScalar>(in_.template part<OfPotential>("field"));
    return read_policies<DataScalar>(read_kind<SavedField<Scalar>>("field", ", " + SavedName<OfPotential>::text()));
  }

  template <Real DataScalar, class Field>
  [[nodiscard]] AnyFlow<DataScalar> read_policies(Part<Field> field) {
    using Scalar = typename Field::Scalar;
    using Solver = EvaluationSolver<Dopri5, PiController>;
    using Trace = EvaluationTrace<BestExactTrace<Field>>;
    require<Dopri5>("evaluation_solver.solver");
    require<PiController>("evaluation_solver.step_control");
    require<BestExactTrace<Field>>("evaluation_trace.estimator");
    in_.fixed("model", "Cnf");
    in_.template scalar<Scalar>("scalar");
    in_.template scalar<DataScalar>("data_scalar");
    Part<Solver> solver = in_.template part<Solver>("evaluation_solver");
    Part<Trace> trace = in_.template part<Trace>("evaluation_trace");
    auto base = read_kind<SavedBase<Scalar>>("base");
    auto transform = read_kind<SavedTransform<DataScalar>>("data_transform");
    auto context = read_kind<SavedContext>("context_transform");
    Part<TimeSpan> time = in_.template part<TimeSpan>("time_span");
    Part<ChunkWidth> chunk_width = in_.template part<ChunkWidth>("chunk_width");
    Vector<Scalar> theta;
    if (field) theta = read_theta(field.value());
    for (const char* const part :
         {"trace", "solver", "step_control", "gradient", "regularizers", "end_time", "likelihood_weight"}) {
      state_.used_texts.insert(part);
      state_.skipped_parts.emplace_back(part);
    }
    refuse_unread(state_);
    if (!state_.differences.empty()) throw ModelError(source_, state_.differences);
    field.value().parameters() = theta;
    try {
      return Cnf(std::move(field.value()), std::move(solver.value()), trace.value(), std::move(base.value()),
                 std::move(transform.value()), std::move(context.value()), time.value(), chunk_width.value());
    } catch (const Error& error) {  // parts that do not fit each other
      throw ModelError(source_, {std::string("the model: ") + error.what()});
    }
  }

  template <class Field>
  [[nodiscard]] auto read_theta(const Field& field) {
    Description own;
    if constexpr (requires { field.kind; })
      std::visit([&](const auto& one) { own.part("field", one); }, field.kind);
    else
      own.part("field", field);
    require_all_parameters(own, field.parameters().size());
    return read_parameters<typename Field::Scalar>(state_, own);
  }

  /// One of several types of a kind of part. `and_more` are those that are not among them.
  template <class Saved>
  [[nodiscard]] Part<Saved> read_kind(const char* name, const std::string& and_more = "") {
    return read_kind_of<Saved>(name, and_more, static_cast<typename Saved::Kinds*>(nullptr));
  }
  template <class Saved, class... Kinds>
  [[nodiscard]] Part<Saved> read_kind_of(const char* name, const std::string& and_more,
                                         std::variant<Kinds...>* /*of these*/) {
    const std::string activation = text(std::string(name) + ".activation");
    const std::string own = text(name) + (activation.empty() ? "" : " with activation " + activation);
    Part<Saved> result;
    std::string all;
    bool found = false;
    const auto try_one = [&]<class Kind>(Kind* /*of this type*/) {
      const std::string its_name = SavedName<Kind>::text();
      all += (all.empty() ? "" : ", ") + its_name;
      if (its_name != own) return;
      found = true;
      if (Part<Kind> one = in_.template part<Kind>(name)) result = Part<Saved>(Saved{std::move(one.value())});
    };
    (try_one(static_cast<Kinds*>(nullptr)), ...);
    if (!found) throw NotPrecompiledError(path_, name, own, all + and_more);
    return result;
  }

  template <class T>
  void require(const char* name) const {
    if (text(name) != SavedName<T>::text()) throw NotPrecompiledError(path_, name, text(name), SavedName<T>::text());
  }
  /// Of the file's metadata, or nothing.
  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = file_.metadata.find(name);
    return found == file_.metadata.end() ? "" : found->second;
  }

  std::string path_, source_;
  const TensorFile& file_;
  ReadingState state_;
  ModelReader in_;
};

template <Real Scalar, class Options>
AnyFlow<Scalar> PrecompiledFlows<Scalar, Options>::load(const std::string& path) {
  const TensorFile file = read_safetensors(path);
  return SavedFlow(path, file).read<Scalar>();
}

}  // namespace pathline::io::detail
