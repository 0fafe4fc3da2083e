/// \file
/// Room `ode`: initial value problems y' = f(t, y). It needs `core` alone and knows nothing of networks: a lambda is
/// all that it asks for.
///
/// Four things are independent of each other, and each is replaced by one word:
/// - the **method**, a struct that holds a Butcher tableau (tableaux.hpp names where; for stiff problems
///   diagonally_implicit_methods.hpp, fully_implicit_methods.hpp and rosenbrock_methods.hpp, where a part is stiff
///   additive_methods.hpp with a SplitRightHandSide, split_right_hand_side.hpp), ImplicitEuler (implicit_euler.hpp) or
///   a multistep method (adams_methods.hpp);
/// - the **step control** with its tolerances: FixedSteps, IController, PiController, PidController
///   (step_control.hpp), with another norm, tolerances of rows or a domain by error_control.hpp, times that steps must
///   meet by forced_points.hpp, and steps of its own for each sample by per_sample.hpp;
/// - the **state**, any plain Eigen matrix: a small static vector, or a batch with one column per sample;
/// - the **observer**, who is told of every evaluation, step and output while the program is compiled (concepts.hpp).
///
/// Between its steps a solve is a polynomial in time: solve() with SaveAt (save_at.hpp) interpolates outputs, and
/// solve_trajectory() (trajectory.hpp) keeps the whole as a function of time; solve_events()
/// (events.hpp) finds the zeros of functions of it, ends there or jumps.
///
/// Stepper (explicit_stepper.hpp) joins a method and a state and owns the storage; integrate() (integrate.hpp) is the
/// loop over steps; solve() (solve.hpp) is the front, where to start. Failures are typed: errors.hpp. try_solve()
/// (try_solve.hpp) returns them as statuses instead, and RealTimeSolver (real_time.hpp) solves at a known cost and
/// throws nothing. Mechanics by symplectic methods has a front of its own: solve_separable.hpp.
#pragma once

#include <pathline/ode/adams_methods.hpp>
#include <pathline/ode/adams_stepper.hpp>
#include <pathline/ode/additive_methods.hpp>
#include <pathline/ode/additive_stepper.hpp>
#include <pathline/ode/additive_tableau.hpp>
#include <pathline/ode/bracketed_root.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/coupled_newton.hpp>
#include <pathline/ode/dense_weights.hpp>
#include <pathline/ode/diagonally_implicit_methods.hpp>
#include <pathline/ode/diagonally_implicit_stepper.hpp>
#include <pathline/ode/diagonally_implicit_tableau.hpp>
#include <pathline/ode/dormand_prince_853.hpp>
#include <pathline/ode/each_step.hpp>
#include <pathline/ode/embedded_pairs.hpp>
#include <pathline/ode/entry_by_entry.hpp>
#include <pathline/ode/error_control.hpp>
#include <pathline/ode/error_norm.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/event.hpp>
#include <pathline/ode/event_watcher.hpp>
#include <pathline/ode/events.hpp>
#include <pathline/ode/explicit_stepper.hpp>
#include <pathline/ode/fixed_step_tableaux.hpp>
#include <pathline/ode/forced_points.hpp>
#include <pathline/ode/fully_implicit_methods.hpp>
#include <pathline/ode/fully_implicit_stepper.hpp>
#include <pathline/ode/fully_implicit_tableau.hpp>
#include <pathline/ode/implicit_euler.hpp>
#include <pathline/ode/implicit_stepper.hpp>
#include <pathline/ode/initial_step.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/jacobian.hpp>
#include <pathline/ode/matrix_spectrum.hpp>
#include <pathline/ode/newton.hpp>
#include <pathline/ode/newton_columns.hpp>
#include <pathline/ode/newton_goal.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/one_by_one_solver.hpp>
#include <pathline/ode/padded_columns.hpp>
#include <pathline/ode/per_sample.hpp>
#include <pathline/ode/real_time.hpp>
#include <pathline/ode/rooted_trees.hpp>
#include <pathline/ode/rosenbrock_methods.hpp>
#include <pathline/ode/rosenbrock_stepper.hpp>
#include <pathline/ode/rosenbrock_tableau.hpp>
#include <pathline/ode/sample_events.hpp>
#include <pathline/ode/sample_solver.hpp>
#include <pathline/ode/save_at.hpp>
#include <pathline/ode/search_polynomial.hpp>
#include <pathline/ode/sign_changes.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_factored.hpp>
#include <pathline/ode/solve_separable.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/split_right_hand_side.hpp>
#include <pathline/ode/stage_systems.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/step_choice.hpp>
#include <pathline/ode/step_control.hpp>
#include <pathline/ode/step_interpolant.hpp>
#include <pathline/ode/symplectic_methods.hpp>
#include <pathline/ode/symplectic_stepper.hpp>
#include <pathline/ode/tableau_checks.hpp>
#include <pathline/ode/tableaux.hpp>
#include <pathline/ode/trajectory.hpp>
#include <pathline/ode/try_solve.hpp>
#include <pathline/ode/weighted_stages.hpp>
