"""The opcodes for lists, tuples, dictionaries, classes and objects: noted, never looked up or called."""

from __future__ import annotations

from typing import Any

from filtviz.reading.pickle.records import Global, Items, Record
from filtviz.reading.pickle.state import I32, U16, MachineState

__all__ = ["ObjectOpcodes"]

EXTENSIONS = "copyreg extension"
PERSISTENT = Global("pickle", "persistent_load")


class ObjectOpcodes(MachineState):
    """Each method puts values together, or notes what the file would have called."""

    # Lists, tuples, sets and dictionaries

    def _empty_list(self, position: int) -> int:
        self.stack.append([])
        return position

    def _empty_tuple(self, position: int) -> int:
        self.stack.append(())
        return position

    def _empty_dict(self, position: int) -> int:
        self.stack.append(Items([]))
        return position

    def _list(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack.append(items)
        return position

    def _tuple(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack.append(tuple(items))
        return position

    def _dict(self, position: int) -> int:
        items = _in_pairs(self._items_since_mark())
        self.stack.append(Items(items))
        return position

    def _tuple1(self, position: int) -> int:
        self.stack[-1] = (self.stack[-1],)
        return position

    def _tuple2(self, position: int) -> int:
        second = self.stack.pop()
        self.stack[-1] = (self.stack[-1], second)
        return position

    def _tuple3(self, position: int) -> int:
        third, second = self.stack.pop(), self.stack.pop()
        self.stack[-1] = (self.stack[-1], second, third)
        return position

    def _append(self, position: int) -> int:
        item = self.stack.pop()
        self.stack[-1].append(item)
        return position

    def _appends(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack[-1].extend(items)
        return position

    def _setitem(self, position: int) -> int:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1].update([key, value])
        return position

    def _setitems(self, position: int) -> int:
        items = _in_pairs(self._items_since_mark())
        self.stack[-1].update(items)
        return position

    # Classes, functions and objects: noted, never looked up

    def _global(self, position: int) -> int:
        module = self._line(position)
        name = self._line(position + len(module) + 1)
        self.stack.append(self._intern(str(module, "utf-8"), str(name, "utf-8")))
        return position + len(module) + len(name) + 2

    def _stack_global(self, position: int) -> int:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError("a class without a name")
        self.stack.append(self._intern(module, name))
        return position

    def _ext1(self, position: int) -> int:
        return self._push_extension(self.data[position], position + 1)

    def _ext2(self, position: int) -> int:
        return self._push_extension(U16.unpack_from(self.data, position)[0], position + 2)

    def _ext4(self, position: int) -> int:
        return self._push_extension(I32.unpack_from(self.data, position)[0], position + 4)

    def _push_extension(self, code: int, position: int) -> int:
        self.stack.append(self._intern(EXTENSIONS, str(code)))
        return position

    def _persid(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(Record(PERSISTENT, (str(line, "utf-8"),)))
        return position + len(line) + 1

    def _binpersid(self, position: int) -> int:
        self.stack[-1] = Record(PERSISTENT, (self.stack[-1],))
        return position

    def _reduce(self, position: int) -> int:
        args = self.stack.pop()
        self.stack[-1] = Record(self.stack[-1], args)
        return position

    def _newobj_ex(self, position: int) -> int:
        keywords, args = self.stack.pop(), self.stack.pop()
        self.stack[-1] = Record(self.stack[-1], args, keywords)
        return position

    def _inst(self, position: int) -> int:
        position = self._global(position)
        maker = self.stack.pop()
        args = self._items_since_mark()
        self.stack.append(Record(maker, tuple(args)))
        return position

    def _obj(self, position: int) -> int:
        maker, *args = self._items_since_mark()
        self.stack.append(Record(maker, tuple(args)))
        return position

    def _build(self, position: int) -> int:
        state = self.stack.pop()
        record = self.stack[-1]
        record.build(state)
        if self.hooked and record.cls is not None:
            hook = self.hooked.get(id(record.cls))
            return position if hook is None else hook(record, self, position)
        return position


def _in_pairs(items: list[Any]) -> list[Any]:
    if len(items) % 2:
        raise ValueError("a key without a value")
    return items
