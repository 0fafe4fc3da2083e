/// \file
/// Room `flow`: continuous normalizing flows. `Cnf` (flow/cnf.hpp, where to start) is put together from policies:
/// trace estimators, regularizers, base densities and data transforms of this room, solvers and step controls of
/// `ode`, gradient methods of `gradient`.
#pragma once

#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/base.hpp>
#include <pathline/flow/chain_transform.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/covariance.hpp>
#include <pathline/flow/dequantize.hpp>
#include <pathline/flow/directional_derivative.hpp>
#include <pathline/flow/end_time.hpp>
#include <pathline/flow/field_on_path.hpp>
#include <pathline/flow/field_stack.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/flow_training.hpp>
#include <pathline/flow/gaussian_bases.hpp>
#include <pathline/flow/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/jacobian_norm.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/log_transform.hpp>
#include <pathline/flow/logit.hpp>
#include <pathline/flow/mixture.hpp>
#include <pathline/flow/moving_normalization.hpp>
#include <pathline/flow/parameters.hpp>
#include <pathline/flow/path_acceleration.hpp>
#include <pathline/flow/path_point.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/flow/regularizers.hpp>
#include <pathline/flow/row_moments.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace.hpp>
#include <pathline/flow/transform.hpp>
#include <pathline/flow/uniform_box.hpp>
#include <pathline/flow/whiten.hpp>
#include <pathline/flow/with_field_on_path.hpp>
