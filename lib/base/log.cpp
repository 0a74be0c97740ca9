#include "lib/base/log.h"

#include <atomic>
#include <cstdio>

namespace cv::log {

namespace {

std::atomic<Sink*> current_sink{nullptr};

}  // namespace

Redirect::Redirect(Sink& sink) : former_(current_sink.exchange(&sink)) {}

Redirect::~Redirect() {
  current_sink.store(former_);
}

void line(Level level, std::string_view text) noexcept {
  if (Sink* sink = current_sink.load()) {
    sink->line(level, text);
    return;
  }
  if (level > Level::warning) return;
  std::fprintf(stderr, "  %s%.*s\n", level == Level::warning ? "WARNING: " : "",
               static_cast<int>(text.size()), text.data());
}

}  // namespace cv::log
