#include "lib/base/units.h"

namespace cv {

void throw_overflow() {
  throw Error(Errc::overflow, "a size or position is too large to be counted");
}

}  // namespace cv
