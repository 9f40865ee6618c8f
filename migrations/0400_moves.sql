-- Refuses a change of status that is not among the arguments: the constraint's name, then each move as 'from>to'.
CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ((OLD.status || '>' || NEW.status) = ANY (TG_ARGV[1:])) THEN
        RAISE EXCEPTION 'a % of % cannot become %', OLD.status, TG_TABLE_NAME, NEW.status
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
    END IF;
    RETURN NEW;
END $$;

-- Refuses every change that its trigger's condition lets through; the argument is the constraint's name.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this change to % is not allowed: %', TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
END $$;
