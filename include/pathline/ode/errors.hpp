/// \file
/// How a solve fails: typed errors that say where it stopped, what was seen there and what can be done about it.
/// Whoever catches one finds the state that was passed in unchanged.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <cmath>
#include <cstddef>
#include <string>

namespace pathline {

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
};

/// Base of all failures inside a solve. Thrown by `solve` and `integrate`.
struct SolveError : Error, SolveFailure {
  SolveError(const std::string& what, const SolveFailure& failure) : Error(what), SolveFailure(failure) {}
};

namespace detail {

inline std::string describe(const SolveFailure& at) {
  std::string text = " at t = " + number(at.t) + " (step " + number(at.step);
  if (!std::isnan(at.error_norm)) text += ", error norm " + number(at.error_norm);
  if (at.component >= 0)
    text += ", worst at component " + std::to_string(at.component) + " of sample " + std::to_string(at.sample);
  else if (at.sample >= 0)
    text += ", sample " + std::to_string(at.sample);
  return text + ", " + std::to_string(at.statistics.accepted) + " steps accepted, " +
         std::to_string(at.statistics.rejected) + " rejected)";
}

}  // namespace detail

/// The step fell below what time can resolve, shrank by fourteen orders of magnitude in one place, or was refused
/// although it was no longer than min_step.
struct StepSizeError : SolveError {
  explicit StepSizeError(const SolveFailure& at)
      : SolveError(std::string(at.solve) +
                       (at.min_step > 0 ? ": the shortest step allowed was refused" : ": the step underflowed") +
                       detail::describe(at) +
                       "; the solution may blow up there or leave the domain of the right-hand side: end the solve "
                       "earlier, check the right-hand side near this time, " +
                       (at.min_step > 0 ? "take a min_step below " + detail::number(at.min_step) + ", " : "") +
                       "or loosen rtol and atol",
                   at) {}
};

/// `max_steps` steps, accepted and rejected, did not reach the end.
struct StepLimitError : SolveError {
  explicit StepLimitError(const SolveFailure& at)
      : SolveError(std::string(at.solve) + ": the step limit is used up" + detail::describe(at) +
                       "; raise max_steps, loosen rtol and atol, " +
                       (at.implicit ? "or, where the right-hand side jumps, name the times by WithForcedPoints"
                                    : "or, if the problem is stiff, use an implicit method"),
                   at) {}
};

/// The solution or the right-hand side holds a NaN or an infinity.
struct NonFiniteError : SolveError {
  NonFiniteError(const std::string& what, const SolveFailure& at)
      : SolveError(std::string(at.solve) + ": " + what + " is not finite" + detail::describe(at) +
                       "; take more steps or an adaptive control, or check the right-hand side there",
                   at),
        subject(what) {}
  std::string subject;  ///< "the solution", "the right-hand side at the start" or "the function of event 0".
};

/// Newton's method of an implicit step did not converge, or a linear system of a Rosenbrock step has no finite
/// solution.
struct NonlinearSolveError : SolveError {
  explicit NonlinearSolveError(const SolveFailure& at)
      : SolveError(std::string(at.solve) + ": the equations of an implicit step were not solved" +
                       detail::describe(at) +
                       "; take more steps, or check the Jacobian if the right-hand side gives one",
                   at) {}
};

/// The resets of an event come ever faster, like the bounces of a ball that comes to rest: time cannot tell the next
/// from the last.
struct EventPileUpError : SolveError {
  EventPileUpError(std::size_t which, const SolveFailure& at)
      : SolveError(std::string(at.solve) + ": the resets of event " + std::to_string(which) +
                       " come ever faster and pile up" + detail::describe(at) +
                       "; let the reset end them: below a least speed, return AfterReset::end, or set the state to "
                       "rest and let the right-hand side hold it there",
                   at),
        event(which) {}
  std::size_t event;  ///< Which of the events.
};

namespace detail {

/// Runs `work`; a SolveError on its way out is thrown anew, as the same type, with a failure that `relabel` has
/// changed: a chunk of a batch knows its columns' true numbers, an adjoint the meaning of its rows.
template <class Work, class Relabel>
decltype(auto) relabel_failures(Work&& work, Relabel&& relabel) {
  const auto changed = [&](SolveFailure at) {
    relabel(at);
    return at;
  };
  try {
    return work();
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
  }
}

}  // namespace detail
}  // namespace pathline
