// Messages on standard error as LVM2 writes them: two leading spaces, "WARNING: ".
#pragma once

#include "lib/base/log.h"

namespace cv::tools {

class MessageSink final : public log::Sink {
 public:
  explicit MessageSink(int descriptor) : descriptor_(descriptor) {}

  /// Lines above `level` are not shown.
  void show_up_to(log::Level level) { level_ = level; }
  void line(log::Level level, std::string_view text) noexcept override;

 private:
  int descriptor_;
  log::Level level_ = log::Level::notice;
};

/// No -v: notices; each of up to four adds one level. -q leaves errors and warnings, whatever -v says.
log::Level level_of(std::size_t verbose, bool quiet);

}  // namespace cv::tools
