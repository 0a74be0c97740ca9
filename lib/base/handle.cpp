#include "lib/base/handle.h"

#include <unistd.h>

namespace cv {

void Fd::reset() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace cv
