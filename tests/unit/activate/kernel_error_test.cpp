#include "activate/kernel_error.h"

#include <cerrno>

#include <gmock/gmock.h>

#include "lib/base/error.h"

namespace cv::activate {
namespace {

Error error_for(int number) {
  try {
    throw_kernel(number, "resuming vg0-tst");
  } catch (const Error& error) {
    return error;
  }
}

TEST(KernelError, SaysWhatWhyAndWhatToDo) {
  for (const int number : {EBUSY, ENXIO, ENOKEY, EKEYEXPIRED, EACCES, ENOMEM, EINVAL, EIO})
    EXPECT_THAT(error_for(number).what(), testing::StartsWith("resuming vg0-tst: ")) << number;
  for (const int number : {ENOKEY, EKEYREVOKED, EPERM, ENOMEM, EINVAL, EIO})
    EXPECT_NE(error_for(number).advice(), "") << number;
  EXPECT_THAT(error_for(ENOMEM).what(), testing::HasSubstr("not enough memory"));
  EXPECT_EQ(error_for(EBUSY).code(), Errc::in_use);
}

}  // namespace
}  // namespace cv::activate
