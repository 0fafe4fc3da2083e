/// \file
/// How a solve fails: typed errors that say where it stopped, what was seen there and what can be done about it.
/// The state that was passed in is unchanged when one is thrown.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace pathline {

/// Why the equations of an implicit step were not solved.
enum class EquationFault : std::uint8_t {
  none,
  no_convergence,   ///< Newton's corrections do not become small.
  singular_matrix,  ///< A linear system of finite numbers has no finite solution.
  right_hand_side,  ///< f is not finite.
  jacobian,         ///< ∂f/∂y is not finite, where f is.
  time_derivative   ///< ∂f/∂t is not finite, where f is.
};

/// Where and how a solve stopped.
struct SolveFailure {
  const char* solve = "solve";  ///< Which solve: the way back of an adjoint says so.
  double t = 0;                 ///< Time that was reached; the failing step starts here.
  double step = 0;              ///< Signed step that failed.
  double error_norm = 0;        ///< Of that step; 1 is the tolerance. NaN where there is no estimate.
  double min_step = 0;          ///< Of the control, where a step of this length failed; else 0.
  Index sample = -1;            ///< Column of the worst entry: the first that is not finite, else the largest error.
  Index component = -1;         ///< Row of that entry; -1 where no step of the sample was refused.
  Statistics statistics;        ///< Of the solve so far.
  bool implicit = false;        ///< Whether the method was implicit, and no other can be advised.
  EquationFault fault = EquationFault::none;  ///< Of the implicit step that failed.
  /// Where the right-hand side or a derivative of it was not finite in that step; NaN for other faults.
  double asked_at = std::numeric_limits<double>::quiet_NaN();
  int order = 0;       ///< Of the method; 0 where it was not said.
  double rtol = 0;     ///< Of the control; 0 where there is none.
  double epsilon = 0;  ///< Rounding of the state's scalar, relative to 1; 0 where it was not said.
};

/// Base of all failures inside a solve. Thrown by `solve` and `integrate`.
struct SolveError : Error, SolveFailure {
  SolveError(const std::string& what, const SolveFailure& failure) : Error(what), SolveFailure(failure) {}
};

namespace detail {

[[gnu::cold]] inline std::string describe(const SolveFailure& at, const char* entry = "worst at component ") {
  std::string text = message({" at t = ", at.t, " (step ", at.step});
  if (!std::isnan(at.error_norm)) text += message({", error norm ", at.error_norm});
  if (at.component >= 0)
    text += message({", ", entry, at.component, " of sample ", at.sample});
  else if (at.sample >= 0)
    text += message({", sample ", at.sample});
  return message({text, ", ", at.statistics.accepted, " steps accepted, ", at.statistics.rejected, " rejected)"});
}

/// What is not finite, where, and what can be done about it.
[[gnu::cold]] inline std::string describe_nonfinite(const std::string& what, const SolveFailure& at) {
  const std::string where = describe(at, "first at component "),
                    text = message({at.solve, ": ", what, " is not finite"});
  if (std::isnan(at.asked_at))
    return message({text, where,
                    at.step == 0 ? "; check it at this time and state"
                                 : "; take more steps or an adaptive control, or check the right-hand side there"});
  const bool given = what.ends_with("gives"), fixed = at.statistics.rejected == 0;
  return message(
      {text, " at t = ", at.asked_at, ", in the step that starts", where,
       given   ? "; check it near this time and state"
       : fixed ? "; take more steps or an adaptive control, or check the right-hand side near this time"
               : "; the solution may leave the domain of the right-hand side there: end the solve earlier, or check "
                 "the right-hand side near this time"});
}

/// Why the equations of a step with finite numbers were not solved, and what can be done about it.
[[gnu::cold]] inline std::string describe_unsolved(const SolveFailure& at) {
  const bool singular = at.fault == EquationFault::singular_matrix;
  return message(
      {at.solve, ": the equations of an implicit step were not solved", describe(at),
       singular ? ", since their matrix is singular; " : ", since Newton's method does not converge; ",
       at.statistics.rejected == 0 ? "take more steps or an adaptive control, or " : "no shorter step helped: ",
       "check the Jacobian if the right-hand side gives one",
       singular ? ""
                : "; where the right-hand side jumps with the state (a switch, a sliding mode), find the switch by "
                  "solve_events or make the right-hand side continuous"});
}

/// Where no step was short enough, and what can be done about it.
[[gnu::cold]] inline std::string describe_underflow(const SolveFailure& at) {
  const std::string shortest = at.min_step > 0 ? message({"take a min_step below ", at.min_step, ", "}) : "";
  const std::string text = message(
      {at.solve, at.min_step > 0 ? ": the shortest step allowed was refused" : ": the step underflowed", describe(at)});
  const char* const may =
      "the solution may blow up there or leave the domain of the right-hand side: end the solve "
      "earlier, ";
  if (std::isnan(at.error_norm))
    return message({text, ", since the right-hand side was not finite in the last trial; ", may, shortest,
                    "or check the right-hand side near this time"});
  return message({text, "; ", may, "check the right-hand side near this time, ", shortest, "or loosen rtol and atol"});
}

/// What lets a solve of this tolerance take fewer steps.
[[gnu::cold]] inline std::string advice_on_steps(const SolveFailure& at) {
  std::string text = "; raise max_steps, loosen rtol and atol, ";
  if (at.rtol > 0 && at.rtol < 30 * at.epsilon)
    text += message({"take double (the state's scalar rounds by ", at.epsilon, ", next to rtol = ", at.rtol, "), "});
  const bool low = at.order > 0 && at.order <= 4;
  const bool tight = at.order > 0 && at.order <= 7 && at.rtol > 0 && at.rtol < 1e-8;
  if (low || (tight && !at.implicit))
    text += message({"take a method of higher order than ", at.order,
                     at.implicit ? " (RadauIia5, Kvaerno5), "
                     : tight     ? " (Dop853), "
                                 : " (Dopri5, Tsit5), "});
  return message({text, at.implicit ? "or, where the right-hand side jumps, name the times by WithForcedPoints"
                                    : "or, if the problem is stiff, use an implicit method"});
}

}  // namespace detail

/// The step fell below what time can resolve, shrank by fourteen orders of magnitude in one place, or was refused
/// although it was no longer than min_step.
struct StepSizeError : SolveError {
  explicit StepSizeError(const SolveFailure& at) : SolveError(detail::describe_underflow(at), at) {}
};

/// `max_steps` steps, accepted and rejected, did not reach the end.
struct StepLimitError : SolveError {
  explicit StepLimitError(const SolveFailure& at)
      : SolveError(detail::message(
                       {at.solve, ": the step limit is used up", detail::describe(at), detail::advice_on_steps(at)}),
                   at) {}
};

/// The solution, the right-hand side or a derivative of it holds a NaN or an infinity.
struct NonFiniteError : SolveError {
  NonFiniteError(const std::string& what, const SolveFailure& at)
      : SolveError(detail::describe_nonfinite(what, at), at), subject(what) {}
  std::string subject;  ///< "the solution", "the right-hand side", "the Jacobian by differences", "the function of
                        ///< event 0" and so on.
};

/// Newton's method of an implicit step did not converge, or a linear system has no finite solution, though the
/// right-hand side and its Jacobian were finite.
struct NonlinearSolveError : SolveError {
  explicit NonlinearSolveError(const SolveFailure& at) : SolveError(detail::describe_unsolved(at), at) {}
};

/// An event follows its own reset too soon to be seen, as the bounces of a ball that comes to rest do: they pile up.
struct EventPileUpError : SolveError {
  EventPileUpError(std::size_t which, const SolveFailure& at)
      : SolveError(detail::message(
                       {at.solve, ": event ", which, " follows its reset too soon to be seen", detail::describe(at),
                        "; events that come ever faster must end in the reset: below a least speed, return "
                        "AfterReset::end, or set the state to rest and let the right-hand side hold it there"}),
                   at),
        event(which) {}
  std::size_t event;  ///< Which of the events.
};

/// An adjoint solved its path again, backward, and came to another state than the one that it had left: the gradient
/// along such a path is another function's.
struct PathDriftError : SolveError {
  /// \param distance  Largest difference of an entry of z, at `at.component` of `at.sample`.
  /// \param size      Largest |z| on the way.
  PathDriftError(double distance, double size, const SolveFailure& at)
      : SolveError(
            detail::message(
                {at.solve, ": z at t = ", at.t, " is off by ", distance, " from the state that was there (|z| up to ",
                 size, "; component ", at.component, " of sample ", at.sample,
                 "), since the path is unstable backward in time: take InterpolatedAdjoint or Backpropagation, "
                 "or more output times, at which the way back starts anew"}),
            at),
        drift(distance),
        largest(size) {}
  double drift, largest;
};

/// The way back of a reversible solve did not come back to states that the way out had kept: the gradient would be
/// wrong without a word. Rounding errors grow by up to 1/λ a step, and where the solution forgets its start.
struct ReconstructionError : SolveError {
  ReconstructionError(double relative_drift, const SolveFailure& at)
      : SolveError(detail::message({at.solve, ": the state computed anew is off by ", relative_drift,
                                    " of the largest entry", detail::describe(at),
                                    "; take a coupling nearer to 1, as Reversible<Dopri5, std::ratio<999, 1000>>, "
                                    "double in place of float, output times in between, where the way back starts "
                                    "anew, or Dopri5 itself with Backpropagation<Checkpoints>"}),
                   at),
        drift(relative_drift) {}
  double drift;  ///< The largest difference in units of the largest entry of the kept states.
};

namespace detail {

/// Throws the SolveError that is being handled anew, as the same type, with a failure that `relabel` has changed; one
/// of another type as it is.
[[noreturn, gnu::cold, gnu::noinline]] inline void rethrow_relabelled(void (*relabel)(const void* how,
                                                                                      SolveFailure& at),
                                                                      const void* how) {
  const auto changed = [&](SolveFailure at) {
    relabel(how, at);
    return at;
  };
  try {
    throw;
  } catch (const StepSizeError& error) {
    throw StepSizeError(changed(error));
  } catch (const StepLimitError& error) {
    throw StepLimitError(changed(error));
  } catch (const NonFiniteError& error) {
    throw NonFiniteError(error.subject, changed(error));
  } catch (const NonlinearSolveError& error) {
    throw NonlinearSolveError(changed(error));
  } catch (const EventPileUpError& error) {
    throw EventPileUpError(error.event, changed(error));
  } catch (const PathDriftError& error) {
    throw PathDriftError(error.drift, error.largest, changed(error));
  } catch (const ReconstructionError& error) {
    throw ReconstructionError(error.drift, changed(error));
  }
}

/// Runs `work`; a SolveError on its way out is thrown anew, with a failure that `relabel` has changed: a chunk of a
/// batch knows its columns' true numbers, an adjoint the meaning of its rows.
template <class Work, class Relabel>
decltype(auto) relabel_failures(Work&& work, const Relabel& relabel) {
  try {
    return work();
  } catch (const SolveError&) {
    rethrow_relabelled([](const void* how, SolveFailure& at) { (*static_cast<const Relabel*>(how))(at); }, &relabel);
  }
}

}  // namespace detail
}  // namespace pathline
