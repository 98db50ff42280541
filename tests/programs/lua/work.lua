-- SPDX-License-Identifier: Apache-2.0
-- What a Lua script uses of the interpreter and its libraries.
local function sieve(n)
	local composite, count = {}, 0
	for i = 2, n do
		if not composite[i] then
			count = count + 1
			for j = i * i, n, i do
				composite[j] = true
			end
		end
	end
	return count
end
print("primes", sieve(300000))

local function producer()
	return coroutine.create(function()
		for i = 1, 5 do
			coroutine.yield(i * i)
		end
		return "done"
	end)
end
local co = producer()
while coroutine.status(co) ~= "dead" do
	print(coroutine.resume(co))
end

print(pcall(error, { code = 7 }) and "no" or "caught")
print(select(2, pcall(function()
	local t = nil
	return t.x
end)))
print(select(2, pcall(string.rep, "x", 1 << 40)))
local function deep(n)
	return 1 + deep(n + 1)
end
print(select("#", pcall(deep, 1)))

local t = setmetatable({}, {
	__index = function(_, k) return k .. "!" end,
	__close = function() print("closed") end,
})
do
	local c <close> = t
	print(c.hello)
end
print(("%5.2f|%-6s|%q|%x"):format(math.pi, "ab", "a\nb", 255))
for k, v in string.gmatch("a=1, b=2, c=3", "(%w+)=(%w+)") do
	io.write(k, v, " ")
end
print(("hello"):gsub("l", "L"), 7 // 2, 7 % -3, 1 << 62, 2 ^ 0.5)
print(string.unpack("<i4", string.pack("<i4", -2)), utf8.char(228, 8364))

local name = (os.getenv("TMPDIR") or "/tmp") .. "/lua.txt"
local f = assert(io.open(name, "w"))
for i = 1, 1000 do
	f:write(i, "\n")
end
f:close()
local sum = 0
for line in io.lines(name) do
	sum = sum + tonumber(line)
end
f = io.open(name)
f:seek("end", -5)
print(sum, f:read("n"), os.remove(name), io.open(name) == nil)
f:close()

local garbage = {}
for i = 1, 200000 do
	garbage[i % 1000] = { i, tostring(i) }
end
garbage = nil
collectgarbage()
print(collectgarbage("count") < 4096, type(os.time()), os.getenv("NAME"))
print(os.date("!%Y-%m-%d", 86400))
print(require("mod").answer, package.loaded.mod ~= nil)
print("read", io.read("n", "l", "a"))
os.exit(5, true)
