#include <fmt/ranges.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/handlers/external.h"
#include "lib/crypt/handlers/handlers.h"

namespace cv::crypt {

SecureBytes random_key(const StoreAttributes& attributes) {
  const CipherSpec cipher = CipherSpec::parse(attributes.cipher);
  SecureBytes key(attributes.key_bits / 8);
  do {
    fill_random(key.bytes());
  } while (cipher.has_equal_halves(key.bytes()));
  return key;
}

HandlerList::HandlerList() : HandlerList(ExternalHandlers()) {}

HandlerList::HandlerList(ExternalHandlers external) : external_(std::move(external)) {
  handlers_.push_back(plain_handler());
  handlers_.push_back(hashed_handler());
  handlers_.push_back(luks_handler(LuksVersion::luks1));
  handlers_.push_back(luks_handler(LuksVersion::luks2));
  builtin_ = handlers_.size();
}

HandlerList::~HandlerList() = default;

const KeyHandler* HandlerList::find(std::string_view name) const {
  for (const auto& handler : handlers_) {
    if (handler->name() == name) return handler.get();
  }
  // The name may come from a disk.
  if (!is_handler_name(name)) return nullptr;
  auto found = command_handler(std::string(name), external_);
  if (!found) found = plugin_handler(std::string(name), external_);
  if (!found) return nullptr;
  handlers_.push_back(std::move(found));
  return handlers_.back().get();
}

const KeyHandler& HandlerList::at(std::string_view name) const {
  if (const KeyHandler* handler = find(name)) return *handler;
  const Error error(Errc::no_handler, "there is no key handler \"{}\"", name);
  if (external_.plugin_dir.empty() || !is_handler_name(name))
    throw Error(error).advise("known are {}", fmt::join(names(), ", "));
  throw Error(error).advise("known are {}; a plugin would be {}/{}.so", fmt::join(names(), ", "),
                            external_.plugin_dir, name);
}

std::vector<std::string_view> HandlerList::names() const {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < builtin_; ++i) names.push_back(handlers_[i]->name());
  return names;
}

}  // namespace cv::crypt
