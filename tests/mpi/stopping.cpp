// expect: on_rank_0: this callback can stop training or watches each step
#include <pathline/mpi/on_rank_0.hpp>

auto of_one_rank = pathline::on_rank_0([](const pathline::EpochReport& epoch) { return epoch.train_loss > 1; });
