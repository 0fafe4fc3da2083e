/// \file
/// The frame of a program that runs on several ranks:
///
///     int main(int argc, char** argv) {
///       return pathline::run_ranks(argc, argv, [] { … });
///     }
#pragma once

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

namespace pathline {

/// MPI_Init, work(), MPI_Finalize. An exception on any rank ends the program on all of them, by MPI_Abort, with one
/// message on std::cerr, `rank 2: …`, after a moment in which the launcher can pass it on. Of an error that all ranks
/// throw, rank 0 tells: the others wait a second before they say something themselves, and are ended meanwhile. A rank
/// that is killed says nothing: `mpirun` notices and ends the others, as SLURM does by `srun --kill-on-bad-exit=1`.
/// \return  The status of the program, 0 unless work() throws.
template <class Work>
int run_ranks(int argc, char** argv, const Work& work) {
  int threads = 0, rank = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads);  // of a rank's threads the first alone speaks to others
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const auto end_all = [&](std::string text) {
    if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1000 + 100 * std::min(rank, 50)));
    if (!text.starts_with("rank ")) text = "rank " + std::to_string(rank) + ": " + text;
    std::cerr << text + '\n' << std::flush;
    // MPICH's launcher drops what it has not read yet when it learns of the end.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    std::exit(EXIT_FAILURE);
  };
  try {
    work();
  } catch (const std::exception& error) {
    end_all(error.what());
  } catch (...) {
    end_all("an exception that is no std::exception");
  }
  MPI_Finalize();
  return EXIT_SUCCESS;
}

}  // namespace pathline
