/// \file
/// How the solve of one sample ended, instead of an exception: what try_solve() returns. The failures
/// are those of errors.hpp.
#pragma once

#include <pathline/ode/errors.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace pathline {

enum class SolveOutcome : std::uint8_t {
  success,
  step_underflow,        ///< StepSizeError
  step_limit,            ///< StepLimitError
  not_finite,            ///< NonFiniteError
  equations_not_solved,  ///< NonlinearSolveError; `fault` says why.
  events_pile_up,        ///< EventPileUpError
  bad_input              ///< ArgumentError, ShapeError, DataError: nothing was solved, or a reset broke the state.
};

/// The outcome, and where and how the solve stopped. After success `t` is the last time, the statistics are those of
/// the sample: evaluations count the calls in which it took part.
struct SolveStatus : SolveFailure {
  SolveOutcome outcome = SolveOutcome::success;
  std::string subject;    ///< not_finite: what is not finite. bad_input: the whole message.
  std::size_t event = 0;  ///< Of events_pile_up: which.

  [[nodiscard]] bool ok() const { return outcome == SolveOutcome::success; }

  /// What happened, where, and what can be done about it, in one line; empty after success.
  [[nodiscard]] std::string message() const {
    switch (outcome) {
      case SolveOutcome::success:
        return {};
      case SolveOutcome::step_underflow:
        return StepSizeError(*this).what();
      case SolveOutcome::step_limit:
        return StepLimitError(*this).what();
      case SolveOutcome::not_finite:
        return NonFiniteError(subject, *this).what();
      case SolveOutcome::equations_not_solved:
        return NonlinearSolveError(*this).what();
      case SolveOutcome::events_pile_up:
        return EventPileUpError(event, *this).what();
      case SolveOutcome::bad_input:
        return subject;
    }
    return {};
  }

  /// Throws what solve() would have thrown, for bad_input a plain Error; nothing after success.
  void raise() const {
    switch (outcome) {
      case SolveOutcome::success:
        return;
      case SolveOutcome::step_underflow:
        throw StepSizeError(*this);
      case SolveOutcome::step_limit:
        throw StepLimitError(*this);
      case SolveOutcome::not_finite:
        throw NonFiniteError(subject, *this);
      case SolveOutcome::equations_not_solved:
        throw NonlinearSolveError(*this);
      case SolveOutcome::events_pile_up:
        throw EventPileUpError(event, *this);
      case SolveOutcome::bad_input:
        throw Error(subject);
    }
  }
};

namespace detail {

/// Runs `work` and says how it ended. Exceptions that are not the library's pass through.
template <class Work>
[[nodiscard]] SolveStatus status_of(Work&& work) {
  SolveStatus status;
  const auto failed = [&status](SolveOutcome outcome, const SolveFailure& at) {
    static_cast<SolveFailure&>(status) = at;
    status.outcome = outcome;
  };
  try {
    work();
  } catch (const StepSizeError& error) {
    failed(SolveOutcome::step_underflow, error);
  } catch (const StepLimitError& error) {
    failed(SolveOutcome::step_limit, error);
  } catch (const NonFiniteError& error) {
    failed(SolveOutcome::not_finite, error);
    status.subject = error.subject;
  } catch (const NonlinearSolveError& error) {
    failed(SolveOutcome::equations_not_solved, error);
  } catch (const EventPileUpError& error) {
    failed(SolveOutcome::events_pile_up, error);
    status.event = error.event;
  } catch (const Error& error) {
    status.outcome = SolveOutcome::bad_input;
    status.subject = error.what();
  }
  return status;
}

}  // namespace detail
}  // namespace pathline
