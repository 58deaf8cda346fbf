// cotangent/ordered_dict.h -- a dictionary that remembers the order of insertion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cotangent/error.h"

namespace ct {

namespace detail {
[[noreturn]] CT_API void throw_no_key(const std::string& description, const std::string& key, bool defined);
}  // namespace detail

/// libtorch's OrderedDict: iterates over items in the order of insertion, each with key() and value().
/// Lookups compare hashes, of all entries while they are few, later through an index.
/// Errors: ct::Error for a key that is not there, that is there already, or an index out of range.
template <class Key, class Value>
class OrderedDict {
 public:
  class Item {
   public:
    Item(Key key, Value value) : pair_(std::move(key), std::move(value)) {}
    Value& operator*() { return value(); }
    const Value& operator*() const { return value(); }
    Value* operator->() { return &value(); }
    const Value* operator->() const { return &value(); }
    const Key& key() const noexcept { return pair_.first; }
    Value& value() noexcept { return pair_.second; }
    const Value& value() const noexcept { return pair_.second; }
    const std::pair<Key, Value>& pair() const noexcept { return pair_; }

   private:
    std::pair<Key, Value> pair_;
  };
  using Iterator = typename std::vector<Item>::iterator;
  using ConstIterator = typename std::vector<Item>::const_iterator;

  /// `key_description` names a key in errors: "Parameter 'w' is not defined".
  explicit OrderedDict(std::string key_description = "Key") : key_description_(std::move(key_description)) {}
  OrderedDict(std::initializer_list<Item> items) : OrderedDict("Key") {
    for (const Item& i : items) insert(i.key(), i.value());
  }

  const std::string& key_description() const noexcept { return key_description_; }
  Item& front() { return at(0); }
  const Item& front() const { return at(0); }
  Item& back() { return at(items_.size() - 1); }
  const Item& back() const { return at(items_.size() - 1); }
  Item& operator[](std::size_t index) { return at(index); }
  const Item& operator[](std::size_t index) const { return const_cast<OrderedDict*>(this)->at(index); }
  Value& operator[](const Key& key) {
    Value* v = find(key);
    if (!v) detail::throw_no_key(key_description_, key, false);
    return *v;
  }
  const Value& operator[](const Key& key) const { return const_cast<OrderedDict&>(*this)[key]; }
  /// Null if it is not there.
  Value* find(const Key& key) noexcept {
    const std::size_t hash = std::hash<Key>()(key), mask = index_.size() - 1;
    if (index_.empty()) {
      for (std::size_t i = 0; i < hashes_.size(); ++i)
        if (hashes_[i] == hash && items_[i].key() == key) return &items_[i].value();
    } else {
      for (std::size_t at = hash & mask; index_[at] != 0; at = (at + 1) & mask)
        if (const std::size_t i = index_[at] - 1; hashes_[i] == hash && items_[i].key() == key) return &items_[i].value();
    }
    return nullptr;
  }
  const Value* find(const Key& key) const noexcept { return const_cast<OrderedDict*>(this)->find(key); }
  bool contains(const Key& key) const noexcept { return find(key) != nullptr; }

  Iterator begin() { return items_.begin(); }
  ConstIterator begin() const { return items_.begin(); }
  Iterator end() { return items_.end(); }
  ConstIterator end() const { return items_.end(); }
  std::size_t size() const noexcept { return items_.size(); }
  bool is_empty() const noexcept { return items_.empty(); }
  void reserve(std::size_t n) { items_.reserve(n), hashes_.reserve(n); }

  Value& insert(Key key, Value value) {
    if (contains(key)) detail::throw_no_key(key_description_, key, true);
    hashes_.push_back(std::hash<Key>()(key));
    items_.emplace_back(std::move(key), std::move(value));
    if (items_.size() > few) add_to_index();
    return items_.back().value();
  }
  void update(const OrderedDict& other) {
    for (const Item& i : other) insert(i.key(), i.value());
  }
  void erase(const Key& key) {
    const Value* v = &(*this)[key];
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (&items_[i].value() != v) continue;
      items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i));
      hashes_.erase(hashes_.begin() + static_cast<std::ptrdiff_t>(i));
      index_.clear();
      if (items_.size() > few) add_to_index();
      return;
    }
  }
  void clear() { items_.clear(), hashes_.clear(), index_.clear(); }

  const std::vector<Item>& items() const noexcept { return items_; }
  std::vector<Key> keys() const {
    std::vector<Key> out;
    for (const Item& i : items_) out.push_back(i.key());
    return out;
  }
  std::vector<Value> values() const {
    std::vector<Value> out;
    for (const Item& i : items_) out.push_back(i.value());
    return out;
  }
  std::vector<std::pair<Key, Value>> pairs() const {
    std::vector<std::pair<Key, Value>> out;
    for (const Item& i : items_) out.push_back(i.pair());
    return out;
  }

 private:
  Item& at(std::size_t index) {
    CT_CHECK_INDEX(index < items_.size(), "OrderedDict: Index ", index, " is out of bounds: there are ", items_.size(), " items");
    return items_[index];
  }
  // The last item, or all of them where the index is too small or was given up.
  void add_to_index() {
    std::size_t from = items_.size() - 1;
    if (index_.size() < 2 * items_.size()) {
      std::size_t size = 4 * few;
      while (size < 4 * items_.size()) size *= 2;
      index_.assign(size, 0);
      from = 0;
    }
    const std::size_t mask = index_.size() - 1;
    for (std::size_t i = from; i < items_.size(); ++i) {
      std::size_t at = hashes_[i] & mask;
      while (index_[at] != 0) at = (at + 1) & mask;
      index_[at] = static_cast<std::uint32_t>(i + 1);
    }
  }

  static constexpr std::size_t few = 32;
  std::vector<Item> items_;
  std::vector<std::size_t> hashes_;
  std::vector<std::uint32_t> index_;  // a hash table of positions + 1; empty while there are few entries
  std::string key_description_;
};

}  // namespace ct
