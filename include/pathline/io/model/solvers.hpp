/// \file
/// Names of the solvers and step controls in files, with the settings of the latter. A program's own solver needs a
/// name as these have one.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/error_norm.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <string>
#include <string_view>

namespace pathline {

// clang-format off
struct Euler; struct Midpoint; struct Heun; struct Ralston; struct SspRk3; struct Rk4; struct Kutta38; struct HeunEuler;
struct BogackiShampine; struct Fehlberg; struct CashKarp; struct Dopri5; struct Tsit5; struct Verner65; struct Dop853;
struct ImplicitEuler; struct ImplicitMidpoint; struct CrankNicolson; struct TrBdf2; struct Sdirk2; struct Sdirk3;
struct Sdirk4; struct Kvaerno3; struct Kvaerno5; struct Esdirk547L2SA2; struct GaussLegendre4; struct RadauIia5;
struct Rosenbrock23; struct Rodas4; struct KennedyCarpenter3; struct KennedyCarpenter4; struct ReversibleHeun;
struct Verlet; struct Yoshida4; struct Yoshida6;

namespace io {

template <> struct Described<Euler> { static constexpr std::string_view name = "Euler"; };
template <> struct Described<Midpoint> { static constexpr std::string_view name = "Midpoint"; };
template <> struct Described<Heun> { static constexpr std::string_view name = "Heun"; };
template <> struct Described<Ralston> { static constexpr std::string_view name = "Ralston"; };
template <> struct Described<SspRk3> { static constexpr std::string_view name = "SspRk3"; };
template <> struct Described<Rk4> { static constexpr std::string_view name = "Rk4"; };
template <> struct Described<Kutta38> { static constexpr std::string_view name = "Kutta38"; };
template <> struct Described<HeunEuler> { static constexpr std::string_view name = "HeunEuler"; };
template <> struct Described<BogackiShampine> { static constexpr std::string_view name = "BogackiShampine"; };
template <> struct Described<Fehlberg> { static constexpr std::string_view name = "Fehlberg"; };
template <> struct Described<CashKarp> { static constexpr std::string_view name = "CashKarp"; };
template <> struct Described<Dopri5> { static constexpr std::string_view name = "Dopri5"; };
template <> struct Described<Tsit5> { static constexpr std::string_view name = "Tsit5"; };
template <> struct Described<Verner65> { static constexpr std::string_view name = "Verner65"; };
template <> struct Described<Dop853> { static constexpr std::string_view name = "Dop853"; };
template <> struct Described<ImplicitEuler> { static constexpr std::string_view name = "ImplicitEuler"; };
template <> struct Described<ImplicitMidpoint> { static constexpr std::string_view name = "ImplicitMidpoint"; };
template <> struct Described<CrankNicolson> { static constexpr std::string_view name = "CrankNicolson"; };
template <> struct Described<TrBdf2> { static constexpr std::string_view name = "TrBdf2"; };
template <> struct Described<Sdirk2> { static constexpr std::string_view name = "Sdirk2"; };
template <> struct Described<Sdirk3> { static constexpr std::string_view name = "Sdirk3"; };
template <> struct Described<Sdirk4> { static constexpr std::string_view name = "Sdirk4"; };
template <> struct Described<Kvaerno3> { static constexpr std::string_view name = "Kvaerno3"; };
template <> struct Described<Kvaerno5> { static constexpr std::string_view name = "Kvaerno5"; };
template <> struct Described<Esdirk547L2SA2> { static constexpr std::string_view name = "Esdirk547L2SA2"; };
template <> struct Described<GaussLegendre4> { static constexpr std::string_view name = "GaussLegendre4"; };
template <> struct Described<RadauIia5> { static constexpr std::string_view name = "RadauIia5"; };
template <> struct Described<Rosenbrock23> { static constexpr std::string_view name = "Rosenbrock23"; };
template <> struct Described<Rodas4> { static constexpr std::string_view name = "Rodas4"; };
template <> struct Described<KennedyCarpenter3> { static constexpr std::string_view name = "KennedyCarpenter3"; };
template <> struct Described<KennedyCarpenter4> { static constexpr std::string_view name = "KennedyCarpenter4"; };
template <> struct Described<ReversibleHeun> { static constexpr std::string_view name = "ReversibleHeun"; };
template <> struct Described<Verlet> { static constexpr std::string_view name = "Verlet"; };
template <> struct Described<Yoshida4> { static constexpr std::string_view name = "Yoshida4"; };
template <> struct Described<Yoshida6> { static constexpr std::string_view name = "Yoshida6"; };
template <> struct Described<RmsNorm> { static constexpr std::string_view name = "RmsNorm"; };
template <> struct Described<MaxSampleNorm> { static constexpr std::string_view name = "MaxSampleNorm"; };
// clang-format on

/// `Reversible<Method, std::ratio<99, 100>>`: the method, and "99/100".
template <class Method>
requires requires {
  typename Method::Base;
  Method::CouplingRatio::num;
}
struct Described<Method> {
  static constexpr std::string_view name = "Reversible";
  static void describe(const Method& /*method*/, Description& out) {
    out.part("method", typename Method::Base{});
    out.fixed("coupling", coupling());
  }
  static Method read(ModelReader& in) {
    (void)in.part<typename Method::Base>("method");
    in.fixed("coupling", coupling());
    return {};
  }

 private:
  static std::string coupling() {
    return std::to_string(Method::CouplingRatio::num) + "/" + std::to_string(Method::CouplingRatio::den);
  }
};

template <class Norm>
struct Described<TopRowsSeminorm<Norm>> {
  static constexpr std::string_view name = "TopRowsSeminorm";
  static void visit(auto& seminorm, auto& io) {
    io.setting("rows", seminorm.rows);
    io.part("norm", seminorm.norm);
  }
  static void check(const TopRowsSeminorm<Norm>& seminorm) {
    if (seminorm.rows < 1) throw ArgumentError("rows", std::to_string(seminorm.rows), "at least 1");
  }
};

template <>
struct Described<FixedSteps> {
  static constexpr std::string_view name = "FixedSteps";
  static void describe(const FixedSteps& control, Description& out) {
    out.setting("steps_per_interval", control.steps_per_interval);
  }
  static FixedSteps read(ModelReader& in) { return FixedSteps(in.setting<Index>("steps_per_interval")); }
};

namespace detail {

/// The settings that all controllers share.
struct DescribedControl {
  static void visit(auto& control, auto& io) {
    pathline::detail::visit_control(control, [&](const char* name, auto& setting) { io.setting(name, setting); });
  }
};

}  // namespace detail

template <>
struct Described<IController> : detail::DescribedControl {
  static constexpr std::string_view name = "IController";
};
template <>
struct Described<PiController> : detail::DescribedControl {
  static constexpr std::string_view name = "PiController";
};
template <>
struct Described<PidController> : detail::DescribedControl {
  static constexpr std::string_view name = "PidController";
};

template <class Control, class Norm>
struct Described<WithNorm<Control, Norm>> {
  static constexpr std::string_view name = "WithNorm";
  static void describe(const WithNorm<Control, Norm>& control, Description& out) {
    out.part("control", static_cast<const Control&>(control));
    out.part("norm", control.norm);
  }
  static WithNorm<Control, Norm> read(ModelReader& in) {
    auto control = in.part<Control>("control");
    auto norm = in.part<Norm>("norm");
    return {control.value(), norm.value()};
  }
};

template <class Control>
struct Described<WithTolerances<Control>> {
  static constexpr std::string_view name = "WithTolerances";
  static void describe(const WithTolerances<Control>& control, Description& out) {
    out.part("control", static_cast<const Control&>(control));
    out.tensor("row_rtol", control.row_rtol());
    out.tensor("row_atol", control.row_atol());
  }
  static WithTolerances<Control> read(ModelReader& in) {
    auto control = in.part<Control>("control");
    const auto row_rtol = in.vector<double>("row_rtol"), row_atol = in.vector<double>("row_atol");
    return {control.value(), row_rtol, row_atol};
  }
};

template <class Control>
struct Described<PerSample<Control>> {
  static constexpr std::string_view name = "PerSample";
  static void describe(const PerSample<Control>& policy, Description& out) {
    out.part("control", policy.control);
    out.setting("column_multiple", policy.column_multiple);
  }
  static PerSample<Control> read(ModelReader& in) {
    auto control = in.part<Control>("control");
    const auto column_multiple = in.setting<Index>("column_multiple");
    return PerSample<Control>(control.value(), column_multiple);
  }
};

/// The predicate needs a description of its own: a named struct, not a lambda.
template <class Control, class Inside>
struct Described<WithDomain<Control, Inside>> {
  static constexpr std::string_view name = "WithDomain";
  static void describe(const WithDomain<Control, Inside>& control, Description& out) {
    out.part("control", static_cast<const Control&>(control));
    out.part("inside", control.inside);
  }
  static WithDomain<Control, Inside> read(ModelReader& in) {
    auto control = in.part<Control>("control");
    auto inside = in.part<Inside>("inside");
    return {control.value(), inside.value()};
  }
};

namespace detail {

/// A step control that a solve can follow; else what is wrong with it is remembered. Asked of the whole control alone:
/// one that has tolerances for each row does not need those of the control that it is made of.
template <class Control>
[[nodiscard]] Part<Control> read_step_control(ModelReader& in) {
  constexpr std::string_view name = "step_control";
  Part<Control> control = in.part<Control>(name);
  if constexpr (AdaptiveControl<Control>)
    if (control) in.check(name, [&] { pathline::detail::require_valid(control.value()); });
  return control;
}

}  // namespace detail

}  // namespace io
}  // namespace pathline
