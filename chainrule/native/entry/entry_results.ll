; Results: the containers and arrays that they are, and what is written into them.

; A result or a container takes its place in a container, which owns it from then on.
define internal i1 @put(ptr %container, ptr %row, i64 %k, ptr %object) {
entry:
  %kind = word i64, %row, 0
  %keys = word ptr, %row, 4
  switch i64 %kind, label %dict [
    i64 $TUPLE, label %tuple
    i64 $LIST, label %list
  ]
tuple:
  %in_tuple = call i32 @PyTuple_SetItem(ptr %container, i64 %k, ptr %object)
  br label %end
list:
  %in_list = call i32 @PyList_SetItem(ptr %container, i64 %k, ptr %object)
  br label %end
dict:
  %key = word ptr, %keys, %k
  %in_dict = call i32 @PyDict_SetItem(ptr %container, ptr %key, ptr %object)
  call void @Py_DecRef(ptr %object)
  br label %end
end:
  %status = phi i32 [ %in_tuple, %tuple ], [ %in_list, %list ], [ %in_dict, %dict ]
  %good = icmp eq i32 %status, 0
  ret i1 %good
}

; A new container; a dict with its keys in their order. Null where memory is short.
define internal ptr @new(ptr %row, ptr %none) {
entry:
  %kind = word i64, %row, 0
  %size = word i64, %row, 3
  switch i64 %kind, label %dict [
    i64 $TUPLE, label %tuple
    i64 $LIST, label %list
  ]
tuple:
  %new_tuple = call ptr @PyTuple_New(i64 %size)
  ret ptr %new_tuple
list:
  %new_list = call ptr @PyList_New(i64 %size)
  ret ptr %new_list
dict:
  %new_dict = call ptr @PyDict_New()
  %failed = icmp eq ptr %new_dict, null
  br i1 %failed, label %error, label %next
next:
  %k = phi i64 [ 0, %dict ], [ %k1, %key ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %size
  br i1 %more, label %key, label %done
key:
  call void @Py_IncRef(ptr %none)
  %good = call i1 @put(ptr %new_dict, ptr %row, i64 %k, ptr %none)
  br i1 %good, label %next, label %clean
clean:
  call void @Py_DecRef(ptr %new_dict)
  br label %error
done:
  ret ptr %new_dict
error:
  ret ptr null
}

; The containers of the results, one in the other; those made so far where memory is short.
define internal i1 @containers(ptr %state, ptr %made) {
entry:
  %count = word i64, %state, $CONTAINERS
  %rows = word ptr, %state, $CONTAINER_ROWS
  %none = word ptr, %state, $NONE
  store ptr null, ptr %made
  br label %next
next:
  %k = phi i64 [ 0, %entry ], [ %k1, %root ], [ %k1, %inner ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %count
  br i1 %more, label %make, label %yes
make:
  %row_word = mul i64 %k, $CONTAINER_WORDS
  %row = getelementptr i64, ptr %rows, i64 %row_word
  %new = call ptr @new(ptr %row, ptr %none)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %no, label %place
place:
  %at = getelementptr ptr, ptr %made, i64 %k
  store ptr %new, ptr %at
  %outer = word i64, %row, 5
  %is_root = icmp slt i64 %outer, 0
  br i1 %is_root, label %root, label %inner
root:
  br label %next
inner:
  %container = word ptr, %made, %outer
  %outer_word = mul i64 %outer, $CONTAINER_WORDS
  %outer_row = getelementptr i64, ptr %rows, i64 %outer_word
  %index = word i64, %row, 6
  %good = call i1 @put(ptr %container, ptr %outer_row, i64 %index, ptr %new)
  br i1 %good, label %next, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

; A result goes where its row says; a single one is kept in the first of the containers' places.
define internal i1 @give(ptr %state, ptr %made, ptr %row, ptr %object) {
entry:
  %outer = word i64, %row, 7
  %index = word i64, %row, 8
  %is_alone = icmp slt i64 %outer, 0
  br i1 %is_alone, label %alone, label %inner
alone:
  store ptr %object, ptr %made
  ret i1 true
inner:
  %rows = word ptr, %state, $CONTAINER_ROWS
  %container = word ptr, %made, %outer
  %outer_word = mul i64 %outer, $CONTAINER_WORDS
  %outer_row = getelementptr i64, ptr %rows, i64 %outer_word
  %good = call i1 @put(ptr %container, ptr %outer_row, i64 %index, ptr %object)
  ret i1 %good
}

; The arrays among the results. Those that the code writes into get their addresses in the table.
define internal i1 @arrays(ptr %state, ptr %made) {
entry:
  %count = word i64, %state, $RESULTS
  %rows = word ptr, %state, $RESULT_ROWS
  %table = word ptr, %state, $TABLE
  %addresses = word ptr, %state, $ADDRESSES
  br label %next
next:
  %k = phi i64 [ 0, %entry ], [ %k1, %number ], [ %k1, %put ], [ %k1, %fresh ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %count
  br i1 %more, label %result, label %yes
result:
  %row_word = mul i64 %k, $RESULT_WORDS
  %row = getelementptr i64, ptr %rows, i64 %row_word
  %kind = word i64, %row, 0
  %is_number = icmp eq i64 %kind, $NUMBER
  br i1 %is_number, label %number, label %allocate
number:
  br label %next
allocate:
  %dtype = word ptr, %row, 1
  %ndim = word i64, %row, 2
  %ndim32 = trunc i64 %ndim to i32
  %sizes = word ptr, %row, 3
  call void @Py_IncRef(ptr %dtype)
  %array = call ptr @PyArray_Empty(i32 %ndim32, ptr %sizes, ptr %dtype, i32 0)
  %failed = icmp eq ptr %array, null
  br i1 %failed, label %no, label %give
give:
  %data_at = getelementptr i8, ptr %array, i64 $DATA
  %data = load ptr, ptr %data_at
  %address_at = getelementptr ptr, ptr %addresses, i64 %k
  store ptr %data, ptr %address_at
  %good = call i1 @give(ptr %state, ptr %made, ptr %row, ptr %array)
  br i1 %good, label %put, label %no
put:
  %is_fresh = icmp eq i64 %kind, $FRESH
  br i1 %is_fresh, label %fresh, label %next
fresh:
  %place = word i64, %row, 4
  %slot = getelementptr ptr, ptr %table, i64 %place
  store ptr %data, ptr %slot
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}

; Elements that are some bytes apart along each axis, copied in row-major order.
define internal void @gather(ptr %to, ptr %from, ptr %row, ptr %indices) {
entry:
  %ndim = word i64, %row, 2
  %sizes = word ptr, %row, 3
  %bytes = word i64, %row, 6
  %steps = word ptr, %row, 9
  %item = word i64, %row, 10
  br label %clear
clear:
  %c = phi i64 [ 0, %entry ], [ %c1, %zero ]
  %c1 = add i64 %c, 1
  %c_more = icmp slt i64 %c, %ndim
  br i1 %c_more, label %zero, label %element
zero:
  %c_at = getelementptr i64, ptr %indices, i64 %c
  store i64 0, ptr %c_at
  br label %clear
element:
  %done = phi i64 [ 0, %clear ], [ %done1, %step ], [ %done1, %stay ]
  %source = phi ptr [ %from, %clear ], [ %here, %step ], [ %ahead, %stay ]
  %done1 = add i64 %done, %item
  %more = icmp slt i64 %done, %bytes
  br i1 %more, label %copy, label %end
copy:
  %target = getelementptr i8, ptr %to, i64 %done
  call void @llvm.memcpy.p0.p0.i64(ptr %target, ptr %source, i64 %item, i1 false)
  %last = sub i64 %ndim, 1
  br label %step
step:
  %axis = phi i64 [ %last, %copy ], [ %outer, %wrap ]
  %here = phi ptr [ %source, %copy ], [ %back, %wrap ]
  %is_over = icmp slt i64 %axis, 0
  br i1 %is_over, label %element, label %forward
forward:
  %size = word i64, %sizes, %axis
  %stride = word i64, %steps, %axis
  %index_at = getelementptr i64, ptr %indices, i64 %axis
  %index = load i64, ptr %index_at
  %index1 = add i64 %index, 1
  %ahead = getelementptr i8, ptr %here, i64 %stride
  %is_inside = icmp slt i64 %index1, %size
  br i1 %is_inside, label %stay, label %wrap
stay:
  store i64 %index1, ptr %index_at
  br label %element
wrap:
  store i64 0, ptr %index_at
  %span = mul i64 %stride, %size
  %negative = sub i64 0, %span
  %back = getelementptr i8, ptr %ahead, i64 %negative
  %outer = sub i64 %axis, 1
  br label %step
end:
  ret void
}

; What the code has computed becomes results: numbers, and copies of parts of its memory.
define internal i1 @results(ptr %state, ptr %made) {
entry:
  %count = word i64, %state, $RESULTS
  %rows = word ptr, %state, $RESULT_ROWS
  %table = word ptr, %state, $TABLE
  %addresses = word ptr, %state, $ADDRESSES
  %indices = word ptr, %state, $INDICES
  br label %next
next:
  %k = phi i64 [ 0, %entry ], [ %k1, %result ], [ %k1, %give ], [ %k1, %copy ], [ %k1, %gather ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %count
  br i1 %more, label %result, label %yes
result:
  %row_word = mul i64 %k, $RESULT_WORDS
  %row = getelementptr i64, ptr %rows, i64 %row_word
  %kind = word i64, %row, 0
  %place = word i64, %row, 4
  %offset = word i64, %row, 5
  %bytes = word i64, %row, 6
  %base = word ptr, %table, %place
  %from = getelementptr i8, ptr %base, i64 %offset
  %to = word ptr, %addresses, %k
  switch i64 %kind, label %next [
    i64 $NUMBER, label %number
    i64 $COPY, label %copy
    i64 $GATHER, label %gather
  ]
number:
  %dtype = word ptr, %row, 1
  %boxed = call ptr @PyArray_Scalar(ptr %from, ptr %dtype, ptr null)
  %failed = icmp eq ptr %boxed, null
  br i1 %failed, label %no, label %give
give:
  %good = call i1 @give(ptr %state, ptr %made, ptr %row, ptr %boxed)
  br i1 %good, label %next, label %no
copy:
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %bytes, i1 false)
  br label %next
gather:
  call void @gather(ptr %to, ptr %from, ptr %row, ptr %indices)
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}
