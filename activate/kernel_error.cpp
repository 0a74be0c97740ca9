#include "activate/kernel_error.h"

#include <cerrno>

#include "lib/base/error.h"

namespace cv::activate {

void throw_kernel(int error_number, std::string_view what) {
  switch (error_number) {
    case EBUSY: throw Error(Errc::in_use, "{}: it is in use", what);
    case ENXIO: throw Error(Errc::not_found, "{}: there is no such device", what);
    case ENOKEY:
    case EKEYEXPIRED:
    case EKEYREVOKED:
      throw Error(Errc::kernel, "{}: the key is no longer in the kernel's keyring ({})", what,
                  errno_text(error_number))
          .advise("try again, the key will be asked for");
    case EACCES:
    case EPERM: throw Error(Errc::kernel, "{}: {}", what, errno_text(error_number)).advise("run it as root");
    case ENOMEM:
      throw Error(Errc::kernel, "{}: the kernel has not enough memory", what)
          .advise("end programs or close devices that nobody needs, then try again");
    default:
      throw Error(Errc::kernel, "{}: {}", what, errno_text(error_number))
          .advise("the kernel's log (dmesg) says why");
  }
}

}  // namespace cv::activate
