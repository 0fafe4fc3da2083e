/// \file
/// Steppers and states by shape: chunks of a batch differ by at most one column, and a matrix that had to change its
/// shape would allocate.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/stepper.hpp>

#include <list>

namespace pathline {

/// What one solve of one shape needs: a stepper and the state that it moves.
template <class Method, class State>
struct SolveSlot {
  Stepper<Method, State> stepper;
  State y;
};

/// Slots, made when a shape first occurs. A slot does not move. One pool serves one thread.
template <class Method, class State>
class StepperPool {
 public:
  StepperPool() = default;
  StepperPool(StepperPool&&) noexcept = default;
  StepperPool& operator=(StepperPool&&) noexcept = default;
  StepperPool(const StepperPool&) = delete;
  StepperPool& operator=(const StepperPool&) = delete;
  ~StepperPool() = default;

  [[nodiscard]] SolveSlot<Method, State>& at(Index rows, Index columns) {
    for (SolveSlot<Method, State>& slot : slots_)
      if (slot.y.rows() == rows && slot.y.cols() == columns) return slot;
    SolveSlot<Method, State>& slot = slots_.emplace_back();
    slot.y.resize(rows, columns);
    return slot;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const SolveSlot<Method, State>& slot : slots_) visit(slot);
  }

 private:
  std::list<SolveSlot<Method, State>> slots_;
};

}  // namespace pathline
