/// \file
/// Room `ode`: initial value problems y' = f(t, y). It includes `core` and `math` and knows nothing of networks: the
/// right-hand side may be a lambda.
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
/// - the **observer**, called at every evaluation, step and output, resolved at compile time (concepts.hpp).
///
/// Between its steps a solve is a polynomial in time: solve() with SaveAt (save_at.hpp) interpolates outputs, and
/// solve_trajectory() (trajectory.hpp) keeps the whole as a function of time; solve_events()
/// (events.hpp) finds the zeros of functions of it, ends there or jumps.
///
/// Stepper (stepper.hpp) joins a method and a state and owns the storage; integrate() (integrate.hpp) is the
/// loop over steps; solve() (solve.hpp) is the front, where to start. Failures are typed: errors.hpp. try_solve()
/// (try_solve.hpp) returns them as statuses instead, and RealTimeSolver (real_time.hpp) solves at a known cost and
/// throws nothing. Mechanics by symplectic methods has a front of its own: solve_separable.hpp.
#pragma once

// The fronts, the loop over steps, and what all of the room speaks of: concepts, errors, statistics. A front may
// include every wing.
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/try_solve.hpp>

// `ode/tableau/`: What all tableaux share: order conditions, rooted trees, the cubic of a step, sums of stages.
// Includes no other wing.
#include <pathline/ode/tableau/entry_by_entry.hpp>
#include <pathline/ode/tableau/hermite_weights.hpp>
#include <pathline/ode/tableau/rooted_trees.hpp>
#include <pathline/ode/tableau/set_entries.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

// `ode/control/`: How long a step is: error norms, controllers, the first step, times that steps must meet. Includes
// `tableau`.
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/error_norm.hpp>
#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/control/initial_step.hpp>
#include <pathline/ode/control/step_choice.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/control/step_sizes.hpp>

// `ode/explicit/`: Explicit Runge–Kutta methods: tableaux, stepper, and the solver of known cost. A family includes
// `tableau` and `control` and no other family.
#include <pathline/ode/explicit/chosen_method.hpp>
#include <pathline/ode/explicit/dense_weights.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/real_time.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

// `ode/multistep/`: Adams methods, which remember the derivatives of the steps before.
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/multistep/adams_stepper.hpp>
#include <pathline/ode/multistep/multistep_method.hpp>

// `ode/reversible/`: Methods whose steps can be taken back by a formula, for gradients in constant memory. Builds on
// `explicit`.
#include <pathline/ode/reversible/reversible_heun_stepper.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>
#include <pathline/ode/reversible/reversible_stepper.hpp>

// `ode/symplectic/`: Methods for mechanics, and their own front.
#include <pathline/ode/symplectic/separable_right_hand_side.hpp>
#include <pathline/ode/symplectic/separable_stepper.hpp>
#include <pathline/ode/symplectic/solve_separable.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>
#include <pathline/ode/symplectic/symplectic_stepper.hpp>

// `ode/implicit/`: What the steppers of all implicit methods share.
#include <pathline/ode/implicit/implicit_stepper.hpp>
#include <pathline/ode/implicit/stage_predictor.hpp>

// `ode/implicit/newton/`: Newton's method, Jacobians, and what factors matrices. The four implicit families build on
// it.
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/matrix_spectrum.hpp>
#include <pathline/ode/implicit/newton/newton.hpp>
#include <pathline/ode/implicit/newton/newton_columns.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>

// `ode/implicit/diagonally_implicit/`: Diagonally implicit Runge–Kutta methods, implicit Euler among them: one
// system per stage.
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_stepper.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>

// `ode/implicit/fully_implicit/`: Gauss and Radau methods: all stages in one system.
#include <pathline/ode/implicit/fully_implicit/coupled_newton.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_stepper.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>
#include <pathline/ode/implicit/fully_implicit/stage_systems.hpp>

// `ode/implicit/rosenbrock/`: Rosenbrock methods: a linear system per stage, no iteration.
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_stepper.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>

// `ode/implicit/additive/`: IMEX pairs for right-hand sides with a stiff part.
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/additive_stepper.hpp>
#include <pathline/ode/implicit/additive/additive_tableau.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>

// `ode/output/`: What is read from a solve between its steps: saved times, trajectories, events. Includes `control`,
// `tableau` and the loop.
#include <pathline/ode/output/bracketed_root.hpp>
#include <pathline/ode/output/each_step.hpp>
#include <pathline/ode/output/event.hpp>
#include <pathline/ode/output/event_watcher.hpp>
#include <pathline/ode/output/events.hpp>
#include <pathline/ode/output/output_writer.hpp>
#include <pathline/ode/output/sample_events.hpp>
#include <pathline/ode/output/save_at.hpp>
#include <pathline/ode/output/search_polynomial.hpp>
#include <pathline/ode/output/sign_changes.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/output/trajectory.hpp>

// `ode/batch/`: A separate step for each sample. Includes `control`, `output` and the loop.
#include <pathline/ode/batch/one_by_one_solver.hpp>
#include <pathline/ode/batch/padded_columns.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/batch/sample_solver.hpp>
