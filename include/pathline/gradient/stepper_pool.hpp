/// \file
/// Steppers and states by shape: chunks of a batch differ by at most one column, and a matrix that had to change its
/// shape would allocate.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/stepper.hpp>

#include <utility>

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
  StepperPool(StepperPool&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
  StepperPool& operator=(StepperPool&& other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }
  StepperPool(const StepperPool&) = delete;
  StepperPool& operator=(const StepperPool&) = delete;
  ~StepperPool() {
    while (first_ != nullptr) delete std::exchange(first_, first_->next);
  }

  [[nodiscard]] SolveSlot<Method, State>& at(Index rows, Index columns) {
    Node** end = &first_;
    for (; *end != nullptr; end = &(*end)->next)
      if ((*end)->slot.y.rows() == rows && (*end)->slot.y.cols() == columns) return (*end)->slot;
    *end = new Node();
    (*end)->slot.y.resize(rows, columns);
    return (*end)->slot;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Node* node = first_; node != nullptr; node = node->next) visit(node->slot);
  }

 private:
  // A std::list is 70 functions for each method.
  struct Node {
    SolveSlot<Method, State> slot;
    Node* next = nullptr;
  };
  Node* first_ = nullptr;
};

}  // namespace pathline
