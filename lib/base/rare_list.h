// A list that is nearly always empty: as large as a pointer, and without an allocation, while it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace cv {

/// What a std::vector does, of what such lists need. Copied with all its items.
template <class T>
class RareList {
 public:
  using value_type = T;
  using const_iterator = const T*;
  using iterator = T*;

  RareList() = default;
  RareList(std::initializer_list<T> items) {
    if (items.size() > 0) items_ = std::make_unique<std::vector<T>>(items);
  }
  RareList(const RareList& other)
      : items_(other.empty() ? nullptr : std::make_unique<std::vector<T>>(*other.items_)) {}
  RareList(RareList&&) noexcept = default;
  RareList& operator=(const RareList& other) {
    RareList copy(other);
    items_.swap(copy.items_);
    return *this;
  }
  RareList& operator=(RareList&&) noexcept = default;
  ~RareList() = default;

  bool empty() const { return items_ == nullptr || items_->empty(); }
  std::size_t size() const { return items_ == nullptr ? 0 : items_->size(); }

  T* begin() { return items_ == nullptr ? nullptr : items_->data(); }
  T* end() { return begin() + size(); }
  const T* begin() const { return items_ == nullptr ? nullptr : items_->data(); }
  const T* end() const { return begin() + size(); }

  T& operator[](std::size_t index) { return (*items_)[index]; }
  const T& operator[](std::size_t index) const { return (*items_)[index]; }

  template <class... Args>
  T& emplace_back(Args&&... args) {
    if (items_ == nullptr) items_ = std::make_unique<std::vector<T>>();
    return items_->emplace_back(std::forward<Args>(args)...);
  }
  void push_back(T item) { emplace_back(std::move(item)); }

  /// Removes the items that `unwanted` says true of.
  template <class Unwanted>
  void remove_if(Unwanted unwanted) {
    if (items_ != nullptr) std::erase_if(*items_, unwanted);
  }

  friend bool operator==(const RareList& a, const RareList& b) { return std::ranges::equal(a, b); }

 private:
  std::unique_ptr<std::vector<T>> items_;
};

}  // namespace cv
