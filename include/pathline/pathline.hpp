/// \file
/// What most programs with neural ODEs and continuous normalizing flows on Eigen need. A room's umbrella alone
/// (`ode.hpp`, `nn.hpp`, …) compiles faster. What few programs need is included by name: docs/architecture.md.
#pragma once

#include <pathline/core.hpp>
#include <pathline/flow.hpp>
#include <pathline/gradient.hpp>
#include <pathline/io.hpp>
#include <pathline/math.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>
#include <pathline/train.hpp>
#include <pathline/version.hpp>
