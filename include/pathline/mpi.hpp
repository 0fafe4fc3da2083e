/// \file
/// Room `mpi`: training on several processes or machines by MPI. Not part of pathline.hpp, since it needs <mpi.h>; link
/// pathline::mpi. `Distributed` is where to start.
#pragma once

#include <pathline/mpi/distributed.hpp>
#include <pathline/mpi/on_rank_0.hpp>
#include <pathline/mpi/run_ranks.hpp>
#include <pathline/mpi/share_sum.hpp>
