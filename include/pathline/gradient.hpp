/// \file
/// Room `gradient`: derivatives of a solve. `Backpropagation` is exact for the number computed and the default;
/// `Adjoint` needs memory for one step only. Both meet `GradientMethod` and know of the right-hand side only what
/// `Dynamics` says (gradient/dynamics.hpp, where to start). `NeuralOde` puts a field, a solver and a gradient together.
/// The wing `gradient/event/`, gradients through events, is included by name: value_and_gradient_with_events.hpp.
#pragma once

#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/explicit_step_pullback.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/ode_chunks.hpp>
#include <pathline/gradient/ode_parts.hpp>
#include <pathline/gradient/per_sample_field.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/sequence_chunks.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/stage_cotangents.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
// `gradient/adjoint/`: continuous adjoints with a solver of their own, and along an interpolated path.
#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/implicit_way_back.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/adjoint/kept_path.hpp>
#include <pathline/gradient/adjoint/own_solver.hpp>
#include <pathline/gradient/adjoint/walk_back.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
// `gradient/checkpoint/`: records in bounded memory. `gradient/implicit/`: the way back over implicit steps, all
// families of it by implicit_step_pullback.hpp. `gradient/multistep/`: over steps by Adams' methods.
// `gradient/reversible/`: the way back over reversible steps.
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>
#include <pathline/gradient/checkpoint/checkpoint_recording.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/checkpoint/kept_steps.hpp>
#include <pathline/gradient/implicit/diagonally_implicit_pullback.hpp>
#include <pathline/gradient/implicit/dynamics_with_directions.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/implicit/fully_implicit_pullback.hpp>
#include <pathline/gradient/implicit/rosenbrock_pullback.hpp>
#include <pathline/gradient/implicit/rosenbrock_recording.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/multistep/multistep_pullback.hpp>
#include <pathline/gradient/reversible/reversible_heun_pullback.hpp>
#include <pathline/gradient/reversible/reversible_pullback.hpp>
#include <pathline/gradient/reversible/reversible_recording.hpp>
// `gradient/parts/`: fields that a method takes apart, by additive and by symplectic methods.
#include <pathline/gradient/parts/additive_pullback.hpp>
#include <pathline/gradient/parts/additive_recording.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/parts/symplectic_pullback.hpp>
#include <pathline/gradient/parts/symplectic_recording.hpp>
// `gradient/per_sample/`: steps of its own for each sample of a neural ODE, out and back.
#include <pathline/gradient/per_sample/one_by_one_solve.hpp>
#include <pathline/gradient/per_sample/sample_chunks.hpp>
#include <pathline/gradient/per_sample/sample_columns.hpp>
#include <pathline/gradient/per_sample/sample_field.hpp>
#include <pathline/gradient/per_sample/sample_record.hpp>
#include <pathline/gradient/per_sample/sample_sequences.hpp>
#include <pathline/gradient/per_sample/sample_solve.hpp>
#include <pathline/gradient/per_sample/samples_back.hpp>
// `gradient/second_order/`: Hessian-vector products, included by name.
