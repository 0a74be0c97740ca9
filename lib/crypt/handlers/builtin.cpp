#include <fmt/ranges.h>

#include "lib/base/error.h"
#include "lib/crypt/handlers/handlers.h"

namespace cv::crypt {

HandlerList::HandlerList() {
  handlers_.push_back(plain_handler());
  handlers_.push_back(hashed_handler());
  handlers_.push_back(luks_handler(LuksVersion::luks1));
  handlers_.push_back(luks_handler(LuksVersion::luks2));
}

HandlerList::~HandlerList() = default;

const KeyHandler* HandlerList::find(std::string_view name) const {
  for (const auto& handler : handlers_) {
    if (handler->name() == name) return handler.get();
  }
  return nullptr;
}

const KeyHandler& HandlerList::at(std::string_view name) const {
  if (const KeyHandler* handler = find(name)) return *handler;
  throw Error(Errc::no_handler, "there is no key handler \"{}\"", name)
      .advise("known are {}", fmt::join(names(), ", "));
}

std::vector<std::string_view> HandlerList::names() const {
  std::vector<std::string_view> names;
  for (const auto& handler : handlers_) names.push_back(handler->name());
  return names;
}

}  // namespace cv::crypt
