/// \file
/// Names of the gradient methods in files, and their settings.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/solvers.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace pathline::io {

template <>
struct Described<KeepTapes> {
  static constexpr std::string_view name = "KeepTapes";
};
template <>
struct Described<RecomputeStages> {
  static constexpr std::string_view name = "RecomputeStages";
};
template <>
struct Described<Checkpoints> {
  static constexpr std::string_view name = "Checkpoints";
  static void visit(auto& storage, auto& io) { io.setting("count", storage.count); }
  static void check(const Checkpoints& storage) {
    if (storage.count < 1) throw ArgumentError("count", storage.count, "at least 1");
  }
};
template <>
struct Described<MemoryBudget> {
  static constexpr std::string_view name = "MemoryBudget";
  static void visit(auto& storage, auto& io) { io.setting("bytes", storage.bytes); }
};
template <>
struct Described<NoStepCost> {
  static constexpr std::string_view name = "NoStepCost";
};

namespace detail {

struct DescribedStepCost {
  static void visit(auto& cost, auto& io) {
    io.setting("weight", cost.weight);
    io.setting("rows", cost.rows);
  }
  static void check(const auto& cost) {
    if (cost.rows < 0) throw ArgumentError("rows", std::to_string(cost.rows), "0 (all) or a positive number");
  }
};

}  // namespace detail

template <class Method>
struct Described<ErrorEstimateCost<Method>> : detail::DescribedStepCost {
  static constexpr std::string_view name = "ErrorEstimateCost";
};
template <class Method>
struct Described<StiffnessCost<Method>> : detail::DescribedStepCost {
  static constexpr std::string_view name = "StiffnessCost";
};

template <class Storage, class Cost>
struct Described<Backpropagation<Storage, Cost>> {
  static constexpr std::string_view name = "Backpropagation";
  static void visit(auto& gradient, auto& io) {
    io.part("storage", gradient.storage);
    io.part("step_cost", gradient.step_cost);
    io.choice("outputs", gradient.outputs, {"step_to", "interpolate"});
  }
};
template <>
struct Described<Adjoint> {
  static constexpr std::string_view name = "Adjoint";
  static void visit(auto& gradient, auto& io) { io.choice("norm", gradient.norm, {"seminorm", "full"}); }
};

namespace detail {

/// Stands in a file where a way back has no solver, or no step control, of its own.
struct TheFlows {};

/// An adjoint with policies of its own, in whatever order the program names them.
template <class Gradient, class... Policies>
struct DescribedOwnSolver {
  using Solver = pathline::detail::first_of<IsSolver, TheFlows, Policies...>;
  using Control = pathline::detail::first_of<IsStepControl, TheFlows, Policies...>;

  static void describe(const Gradient& gradient, Description& out) {
    out.choice("norm", gradient.norm, {"seminorm", "full"});
    const auto all = std::tuple_cat(gradient.policies, std::tuple<TheFlows>());
    out.part("solver", std::get<Solver>(all));
    out.part("step_control", std::get<Control>(all));
  }
  static Gradient read(ModelReader& in) {
    AdjointNorm norm{};
    in.choice("norm", norm, {"seminorm", "full"});
    auto solver = in.part<Solver>("solver");
    auto control = [&in] {
      if constexpr (std::same_as<Control, TheFlows>)
        return in.part<TheFlows>("step_control");
      else
        return read_step_control<Control>(in);
    }();
    [[maybe_unused]] const auto get = [&]<class P>(std::type_identity<P>) -> P& {
      if constexpr (std::same_as<P, Solver>)
        return solver.value();
      else
        return control.value();
    };
    (void)solver.value(), (void)control.value();  // both throw where the file has another
    Gradient gradient(get(std::type_identity<Policies>())...);
    gradient.norm = norm;
    return gradient;
  }
};

}  // namespace detail

template <>
struct Described<detail::TheFlows> {
  static constexpr std::string_view name = "the flow's";
};
template <class... Policies>
struct Described<AdjointBy<Policies...>> : detail::DescribedOwnSolver<AdjointBy<Policies...>, Policies...> {
  static constexpr std::string_view name = "AdjointBy";
};
template <class... Policies>
struct Described<InterpolatedAdjoint<Policies...>>
    : detail::DescribedOwnSolver<InterpolatedAdjoint<Policies...>, Policies...> {
  static constexpr std::string_view name = "InterpolatedAdjoint";
};

}  // namespace pathline::io
