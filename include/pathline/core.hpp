/// \file
/// Room `core`: what all other rooms stand on. Scalars and batches (core/types.hpp), views of them (core/view.hpp),
/// errors, scratch memory, random numbers without state, column chunks in parallel. Includes Eigen alone. Start at
/// core/types.hpp.
#pragma once

#include <pathline/core/apply_to.hpp>
#include <pathline/core/box_muller.hpp>
#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/chunks.hpp>
#include <pathline/core/clock.hpp>
#include <pathline/core/compiler_options.hpp>
#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/few_rows.hpp>
#include <pathline/core/fingerprint.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/optimization_note.hpp>
#include <pathline/core/philox.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/slots.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
