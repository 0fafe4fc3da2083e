/// \file
/// The flows of the literature, ready made: `ffjord`, `rnode`, `steer`, `ot_flow`. Each is an options aggregate, whose
/// defaults are the paper's for densities of the plane, and a function that returns a `Cnf`; whatever policy is named
/// beside the options replaces the preset's own of that kind.
#pragma once

#include <pathline/flow/preset/ffjord.hpp>
#include <pathline/flow/preset/ot_flow.hpp>
#include <pathline/flow/preset/rnode.hpp>
#include <pathline/flow/preset/steer.hpp>
