// expect: io: the Described of this type is a name alone, but the type has members, which a file would forget
#include <pathline/io/model/description.hpp>

struct SpeedLimit {
  double weight = 1;
};
template <>
struct pathline::io::Described<SpeedLimit> {
  static constexpr std::string_view name = "SpeedLimit";
};
void keep(const SpeedLimit& limit, pathline::io::Description& out) { out.part("regularizers.0", limit); }
