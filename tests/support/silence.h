// No messages while it lives: for tests that provoke the same warning thousands of times.
#pragma once

#include "lib/base/log.h"

namespace cv::test {

class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}

 private:
  log::Redirect redirect_{*this};
};

}  // namespace cv::test
