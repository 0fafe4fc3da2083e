// expect: io: this type has no description: specialise pathline::io::Described for it
#include <pathline/io/model.hpp>

struct Twice {
  template <class P>
  static pathline::Jet<P> jet(P x) {
    return {P(2) * x, P(2), P(0)};
  }
};
void keep(const pathline::Mlp<float, Twice>& field) { pathline::io::save("field.safetensors", field); }
