/// \file
/// Room `flow`: continuous normalizing flows. `Cnf` (flow/cnf.hpp, where to start) is put together from policies:
/// trace estimators, regularizers, base densities and data transforms of this room, solvers and step controls of
/// `ode`, gradient methods of `gradient`.
#pragma once

// `Cnf`, and what solves, trains and judges it. May include every wing but presets and stacks.
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/data_warnings.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/flow_check.hpp>
#include <pathline/flow/flow_likelihood.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/flow_score.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/flow_training.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/periodic_check.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/samples_with_log_prob.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/with_context.hpp>

// `flow/path/`: What policies read along a path: the field, its tangents, acceleration and jerk.
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/path/path_acceleration.hpp>
#include <pathline/flow/path/path_jerk.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>

// `flow/trace/`: Trace estimators. A kind of policy includes `path` and `statistics` and no other kind.
#include <pathline/flow/trace/antithetic_hutchinson.hpp>
#include <pathline/flow/trace/hutch_plus_plus.hpp>
#include <pathline/flow/trace/orthogonal_hutchinson.hpp>
#include <pathline/flow/trace/orthonormalize.hpp>
#include <pathline/flow/trace/trace.hpp>

// `flow/regularizer/`: Running costs of the path.
#include <pathline/flow/regularizer/acceleration_and_jerk.hpp>
#include <pathline/flow/regularizer/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/regularizer/regularizer.hpp>

// `flow/end_time/`: Up to when a training solve runs.
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/end_time/steer.hpp>

// `flow/base/`: Base densities.
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/base/student_t.hpp>
#include <pathline/flow/base/uniform_box.hpp>

// `flow/transform/`: Transforms of data and of context, with their log-determinants.
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/dequantize.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>

// `flow/statistics/`: What bases and transforms compute from data, and how they check their numbers.
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>
#include <pathline/flow/statistics/row_moments.hpp>

// `flow/stack/`: Several fields, one after another.
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/stack/moving_normalization.hpp>

// `flow/real_time/`: Flows by a fixed number of evaluations, for control loops. Included by name: real_time_flow.hpp.

// `flow/preset/`: FFJORD, RNODE, STEER and OT-Flow, put together from all of the above.
#include <pathline/flow/preset/ffjord.hpp>
#include <pathline/flow/preset/ot_flow.hpp>
#include <pathline/flow/preset/override_policies.hpp>
#include <pathline/flow/preset/presets.hpp>
#include <pathline/flow/preset/rnode.hpp>
#include <pathline/flow/preset/steer.hpp>
